/** Rosters in an SQL database: a row for each contact, and one for the version of the whole. */
import type { Kysely, Transaction } from 'kysely'
import { Jid } from '../address/jid.ts'
import { parseElement } from '../xml/parse-element.ts'
import { write } from '../xml/write.ts'
import type { Rosters, StoredContact, StoredRoster } from './port.ts'
import type { Tables } from './tables.ts'

export class SqlRosters implements Rosters {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async load(account: Jid): Promise<StoredRoster> {
    const of = account.bare.toString()
    const roster = await this.#db.selectFrom('roster').select('version').where('account', '=', of).executeTakeFirst()
    const rows = await this.#db.selectFrom('contact').selectAll().where('account', '=', of).orderBy('jid').execute()
    return { version: roster?.version ?? 0, contacts: rows.map(contactOf) }
  }

  async put(account: Jid, contact: StoredContact, version: number): Promise<void> {
    const columns = columnsOf(contact)
    await this.#changed(account, version, async (transaction, of) => {
      await transaction
        .insertInto('contact')
        .values({ account: of, jid: contact.jid.toString(), ...columns })
        .onConflict((conflict) => conflict.columns(['account', 'jid']).doUpdateSet(columns))
        .execute()
    })
  }

  async remove(account: Jid, contact: Jid, version: number): Promise<void> {
    await this.#changed(account, version, async (transaction, of) => {
      await transaction.deleteFrom('contact').where('account', '=', of).where('jid', '=', contact.toString()).execute()
    })
  }

  async #changed(account: Jid, version: number, change: (transaction: Transaction<Tables>, of: string) => Promise<void>): Promise<void> {
    const of = account.bare.toString()
    await this.#db.transaction().execute(async (transaction) => {
      await transaction
        .insertInto('roster')
        .values({ account: of, version })
        .onConflict((conflict) => conflict.column('account').doUpdateSet({ version }))
        .execute()
      await change(transaction, of)
    })
  }
}

type ContactColumns = Omit<Tables['contact'], 'account' | 'jid'>

function columnsOf(contact: StoredContact): ContactColumns {
  return {
    name: contact.name ?? null,
    groups: JSON.stringify(contact.groups),
    subscription: contact.subscription,
    pending_out: Number(contact.pendingOut),
    approved: Number(contact.approved),
    pending_in: contact.pendingIn ? write(contact.pendingIn, '') : null,
    listed: Number(contact.listed),
  }
}

function contactOf(row: Tables['contact']): StoredContact {
  return {
    jid: Jid.parse(row.jid),
    name: row.name ?? undefined,
    groups: JSON.parse(row.groups) as string[],
    subscription: subscriptionOf(row.subscription),
    pendingOut: row.pending_out !== 0,
    approved: row.approved !== 0,
    pendingIn: row.pending_in === null ? undefined : parseElement(row.pending_in),
    listed: row.listed !== 0,
  }
}

function subscriptionOf(word: string): StoredContact['subscription'] {
  if (word === 'to' || word === 'from' || word === 'both') return word
  return 'none'
}
