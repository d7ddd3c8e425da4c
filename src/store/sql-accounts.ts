/** Accounts in an SQL database. */
import type { Kysely, Selectable } from 'kysely'
import { Jid } from '../address/jid.ts'
import { aorOf } from './aor.ts'
import type { Account, Accounts, Credentials, ScramKeys, Sealed } from './port.ts'
import { putSealed } from './sql-sealed.ts'
import { bufferOf, type Tables } from './tables.ts'

export class SqlAccounts implements Accounts {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async find(jid: Jid): Promise<Account | undefined> {
    if (jid.local === undefined) return undefined
    const row = await this.#db
      .selectFrom('account')
      .selectAll()
      .where('domain', '=', jid.domain)
      .where('local', '=', jid.local)
      .executeTakeFirst()
    return row && { jid: jid.bare, credentials: credentialsOf(row), createdAt: new Date(row.created_at) }
  }

  async exists(jid: Jid): Promise<boolean> {
    if (jid.local === undefined) return false
    const row = await this.#db
      .selectFrom('account')
      .select('id')
      .where('domain', '=', jid.domain)
      .where('local', '=', jid.local)
      .executeTakeFirst()
    return row !== undefined
  }

  async add(jid: Jid, credentials: Credentials, sealed?: Sealed): Promise<boolean> {
    const { local, domain } = jid
    if (local === undefined) throw new TypeError('an account has a localpart')
    return this.#db.transaction().execute(async (transaction) => {
      const added = await transaction
        .insertInto('account')
        .values({ domain, local, created_at: Date.now(), ...columnsOf(credentials) })
        .onConflict((conflict) => conflict.columns(['domain', 'local']).doNothing())
        .returning('id')
        .executeTakeFirst()
      if (added && sealed) await putSealed(transaction, added.id, 'login', sealed)
      return added !== undefined
    })
  }

  async setCredentials(jid: Jid, credentials: Credentials, sealed?: Sealed): Promise<boolean> {
    const { local, domain } = jid
    if (local === undefined) return false
    return this.#db.transaction().execute(async (transaction) => {
      const changed = await transaction
        .updateTable('account')
        .set(columnsOf(credentials))
        .where('domain', '=', domain)
        .where('local', '=', local)
        .returning('id')
        .executeTakeFirst()
      if (changed) await putSealed(transaction, changed.id, 'login', sealed)
      return changed !== undefined
    })
  }

  async remove(jid: Jid): Promise<boolean> {
    const { local, domain } = jid
    if (local === undefined) return false
    return this.#db.transaction().execute(async (transaction) => {
      const { numDeletedRows } = await transaction
        .deleteFrom('account')
        .where('domain', '=', domain)
        .where('local', '=', local)
        .executeTakeFirst()
      if (numDeletedRows === 0n) return false
      const account = jid.bare.toString()
      await transaction.deleteFrom('binding').where('aor', '=', aorOf(jid)).execute()
      await transaction.deleteFrom('roster').where('account', '=', account).execute()
      await transaction.deleteFrom('contact').where('account', '=', account).execute()
      await transaction.deleteFrom('kept').where('owner', '=', aorOf(jid)).execute()
      return true
    })
  }

  async list(domain?: string): Promise<readonly Jid[]> {
    let query = this.#db.selectFrom('account').select(['local', 'domain']).orderBy('domain').orderBy('local')
    if (domain !== undefined) query = query.where('domain', '=', domain)
    return (await query.execute()).map((row) => Jid.of(row.local, row.domain))
  }
}

type CredentialColumns = Omit<Selectable<Tables['account']>, 'id' | 'domain' | 'local' | 'created_at'>

function columnsOf({ scram, sip, digestMd5 }: Credentials): CredentialColumns {
  const sha1 = scram['SHA-1']
  const sha256 = scram['SHA-256']
  const sha512 = scram['SHA-512']
  return {
    sha1_salt: sha1.salt,
    sha1_iterations: sha1.iterations,
    sha1_stored_key: sha1.storedKey,
    sha1_server_key: sha1.serverKey,
    sha256_salt: sha256.salt,
    sha256_iterations: sha256.iterations,
    sha256_stored_key: sha256.storedKey,
    sha256_server_key: sha256.serverKey,
    // Null where the domain does not want it: what an earlier password left must not let anybody in.
    sha512_salt: sha512?.salt ?? null,
    sha512_iterations: sha512?.iterations ?? null,
    sha512_stored_key: sha512?.storedKey ?? null,
    sha512_server_key: sha512?.serverKey ?? null,
    digest_md5: digestMd5 ?? null,
    sip_md5_local: sip?.MD5.local ?? null,
    sip_md5_full: sip?.MD5.full ?? null,
    sip_sha256_local: sip?.['SHA-256'].local ?? null,
    sip_sha256_full: sip?.['SHA-256'].full ?? null,
  }
}

function credentialsOf(row: CredentialColumns): Credentials {
  const scram = {
    'SHA-1': {
      salt: bufferOf(row.sha1_salt),
      iterations: row.sha1_iterations,
      storedKey: bufferOf(row.sha1_stored_key),
      serverKey: bufferOf(row.sha1_server_key),
    },
    'SHA-256': {
      salt: bufferOf(row.sha256_salt),
      iterations: row.sha256_iterations,
      storedKey: bufferOf(row.sha256_stored_key),
      serverKey: bufferOf(row.sha256_server_key),
    },
    ...sha512Of(row),
  }
  const digest = row.digest_md5 === null ? {} : { digestMd5: bufferOf(row.digest_md5) }
  const { sip_md5_local, sip_md5_full, sip_sha256_local, sip_sha256_full } = row
  if (sip_md5_local === null || sip_md5_full === null || sip_sha256_local === null || sip_sha256_full === null) return { scram, ...digest }
  return {
    scram,
    ...digest,
    sip: { MD5: { local: sip_md5_local, full: sip_md5_full }, 'SHA-256': { local: sip_sha256_local, full: sip_sha256_full } },
  }
}

function sha512Of(row: CredentialColumns): { 'SHA-512'?: ScramKeys } {
  const { sha512_salt: salt, sha512_iterations: iterations, sha512_stored_key: storedKey, sha512_server_key: serverKey } = row
  if (salt === null || iterations === null || storedKey === null || serverKey === null) return {}
  return { 'SHA-512': { salt: bufferOf(salt), iterations, storedKey: bufferOf(storedKey), serverKey: bufferOf(serverKey) } }
}
