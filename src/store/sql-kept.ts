/** What one room keeps in its own words, in an SQL database. */
import type { Kysely } from 'kysely'
import type { Kept, KeptRecord } from './port.ts'
import type { Tables } from './tables.ts'

export class SqlKept implements Kept {
  readonly #db: Kysely<Tables>
  readonly #room: string

  constructor(db: Kysely<Tables>, room: string) {
    this.#db = db
    this.#room = room
  }

  async put({ key, owner, expiresAt, data }: KeptRecord): Promise<void> {
    const columns = { owner, expires_at: expiresAt ?? null, data }
    await this.#db
      .insertInto('kept')
      .values({ room: this.#room, key, ...columns })
      .onConflict((conflict) => conflict.columns(['room', 'key']).doUpdateSet(columns))
      .execute()
  }

  async remove(key: string): Promise<void> {
    await this.#db.deleteFrom('kept').where('room', '=', this.#room).where('key', '=', key).execute()
  }

  async load(now: number): Promise<readonly KeptRecord[]> {
    await this.#db.deleteFrom('kept').where('room', '=', this.#room).where('expires_at', '<=', now).execute()
    const rows = await this.#db.selectFrom('kept').selectAll().where('room', '=', this.#room).orderBy('key').execute()
    return rows.map(({ key, owner, expires_at, data }) => ({ key, owner, expiresAt: expires_at ?? undefined, data }))
  }
}
