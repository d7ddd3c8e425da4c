/** What telephones registered, in an SQL database. */
import type { Kysely } from 'kysely'
import type { Bindings, StoredBinding } from './port.ts'
import type { Tables } from './tables.ts'

export class SqlBindings implements Bindings {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  async replace(aor: string, bindings: readonly StoredBinding[]): Promise<void> {
    const rows = bindings.map(({ contact, expiresAt, data }, position) => ({ aor, position, contact, expires_at: expiresAt, data }))
    await this.#db.transaction().execute(async (transaction) => {
      await transaction.deleteFrom('binding').where('aor', '=', aor).execute()
      for (const row of rows) await transaction.insertInto('binding').values(row).execute()
    })
  }

  async load(now: number): Promise<readonly StoredBinding[]> {
    // A telephone that never came back leaves its row to nobody else.
    await this.#db.deleteFrom('binding').where('expires_at', '<=', now).execute()
    const rows = await this.#db.selectFrom('binding').selectAll().orderBy('aor').orderBy('position').execute()
    return rows.map(({ aor, contact, expires_at, data }) => ({ aor, contact, expiresAt: expires_at, data }))
  }
}
