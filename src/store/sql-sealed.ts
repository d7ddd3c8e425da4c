/** Sealed passwords in an SQL database: rows that belong to an account's and go with it. */
import type { ExpressionBuilder, Kysely } from 'kysely'
import { Jid } from '../address/jid.ts'
import type { Sealed, SealedPasswords, SealedRecord, SealedUse } from './port.ts'
import { bufferOf, type Tables } from './tables.ts'

export class SqlSealed implements SealedPasswords {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async find(jid: Jid, use: SealedUse): Promise<Sealed | undefined> {
    if (jid.local === undefined) return undefined
    const row = await this.#db
      .selectFrom('sealed')
      .innerJoin('account', 'account.id', 'sealed.account_id')
      .select(['key_id', 'nonce', 'box'])
      .where('domain', '=', jid.domain)
      .where('local', '=', jid.local)
      .where('use', '=', use)
      .executeTakeFirst()
    return row && { keyId: row.key_id, nonce: bufferOf(row.nonce), box: bufferOf(row.box) }
  }

  async set(jid: Jid, use: SealedUse, sealed: Sealed): Promise<boolean> {
    const { local, domain } = jid
    if (local === undefined) return false
    return this.#db.transaction().execute(async (transaction) => {
      const account = await transaction
        .selectFrom('account')
        .select('id')
        .where('domain', '=', domain)
        .where('local', '=', local)
        .executeTakeFirst()
      if (account) await putSealed(transaction, account.id, use, sealed)
      return account !== undefined
    })
  }

  async remove(jid: Jid, use: SealedUse): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('sealed')
      .where('use', '=', use)
      .where('account_id', 'in', (query) => idOf(query, jid))
      .executeTakeFirst()
    return numDeletedRows === 1n
  }

  async removeAll(domain: string, use: SealedUse): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('sealed')
      .where('use', '=', use)
      .where('account_id', 'in', (query) => query.selectFrom('account').select('id').where('domain', '=', domain))
      .executeTakeFirst()
    return Number(numDeletedRows)
  }

  async withOtherKeys(keyId: string): Promise<readonly SealedRecord[]> {
    const rows = await this.#db
      .selectFrom('sealed')
      .innerJoin('account', 'account.id', 'sealed.account_id')
      .select(['domain', 'local', 'use', 'key_id', 'nonce', 'box'])
      .where('key_id', '!=', keyId)
      .orderBy('domain')
      .orderBy('local')
      .orderBy('use')
      .execute()
    return rows.map((row) => ({
      jid: Jid.of(row.local, row.domain),
      use: row.use === 'pbx' ? 'pbx' : 'login',
      sealed: { keyId: row.key_id, nonce: bufferOf(row.nonce), box: bufferOf(row.box) },
    }))
  }

  /** A nonce is drawn anew for each password: it tells them apart. */
  async reseal({ jid, use, sealed: before }: SealedRecord, sealed: Sealed): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('sealed')
      .set(columnsOf(sealed))
      .where('use', '=', use)
      .where('nonce', '=', before.nonce)
      .where('account_id', 'in', (query) => idOf(query, jid))
      .executeTakeFirst()
    return numUpdatedRows === 1n
  }
}

function idOf(query: ExpressionBuilder<Tables, 'sealed'>, { domain, local }: Jid) {
  return query
    .selectFrom('account')
    .select('id')
    .where('domain', '=', domain)
    .where('local', '=', local ?? '')
}

/** Undefined: none is left. */
export async function putSealed(db: Kysely<Tables>, accountId: number, use: SealedUse, sealed: Sealed | undefined): Promise<void> {
  if (!sealed) {
    await db.deleteFrom('sealed').where('account_id', '=', accountId).where('use', '=', use).execute()
    return
  }
  const columns = columnsOf(sealed)
  await db
    .insertInto('sealed')
    .values({ account_id: accountId, use, ...columns })
    .onConflict((conflict) => conflict.columns(['account_id', 'use']).doUpdateSet(columns))
    .execute()
}

const columnsOf = ({ keyId, nonce, box }: Sealed) => ({ key_id: keyId, nonce, box })
