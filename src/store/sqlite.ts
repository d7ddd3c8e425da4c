/** The default store: one SQLite file, which `stoxgate account` may open while the gateway runs. */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { Kysely } from 'kysely'
import Database from 'libsql'
import { StoreError, sentenceFor } from './failure.ts'
import { LibsqlDialect } from './libsql-dialect.ts'
import { migrate } from './migrate.ts'
import type { Kept, Store } from './port.ts'
import { SqlAccounts } from './sql-accounts.ts'
import { SqlBindings } from './sql-bindings.ts'
import { SqlKept } from './sql-kept.ts'
import { SqlRosters } from './sql-rosters.ts'
import { SqlSealed } from './sql-sealed.ts'
import { bufferOf, type Tables } from './tables.ts'

/** How long a statement waits for another process's lock, and the event loop with it: an account command needs some milliseconds, who needs more is no program of ours. */
const BUSY_TIMEOUT_MS = 1_000

/** Opens the file, makes it (and its directory) where it is not there, and brings its schema up to date. Throws StoreError. */
export function openSqlite(file: string, busyTimeoutMs: number = BUSY_TIMEOUT_MS): Store {
  try {
    return new SqliteStore(open(file, busyTimeoutMs), file)
  } catch (cause) {
    if (cause instanceof StoreError) throw cause
    const sentence = sentenceFor(cause, file)
    throw sentence === undefined ? cause : new StoreError(sentence, { cause })
  }
}

function open(file: string, busyTimeoutMs: number): Database.Database {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  makePrivate(file)
  const database = new Database(file, { timeout: busyTimeoutMs })
  try {
    database.exec('PRAGMA journal_mode = WAL')
    // What a power cut may cost is the last moments, never the file.
    database.exec('PRAGMA synchronous = NORMAL')
    database.exec('PRAGMA foreign_keys = ON')
    migrate(database, file)
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

/**
 * It holds what passwords can be guessed from; SQLite gives its other files the same mode. A file that is there is never opened beside SQLite:
 * closing any descriptor of it drops the locks that this process has (fcntl(2)), and another process would then take the log of changes away.
 */
function makePrivate(file: string): void {
  try {
    fs.closeSync(fs.openSync(file, 'ax', 0o600))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) throw cause
    // The file system says better than SQLite what is wrong.
    fs.accessSync(file, fs.constants.R_OK | fs.constants.W_OK)
    if (fs.statSync(file).isDirectory()) throw new StoreError(`${file} is a directory: let store.sqlite name a file`)
  }
}

class SqliteStore implements Store {
  readonly accounts: SqlAccounts
  readonly bindings: SqlBindings
  readonly rosters: SqlRosters
  readonly sealed: SqlSealed
  readonly #db: Kysely<Tables>

  constructor(database: Database.Database, file: string) {
    this.#db = new Kysely<Tables>({ dialect: new LibsqlDialect(database, file) })
    this.accounts = new SqlAccounts(this.#db)
    this.bindings = new SqlBindings(this.#db)
    this.rosters = new SqlRosters(this.#db)
    this.sealed = new SqlSealed(this.#db)
  }

  kept(room: string): Kept {
    return new SqlKept(this.#db, room)
  }

  async secret(name: string): Promise<Buffer> {
    // Two processes may ask at once: the first one's stands for both.
    await this.#db
      .insertInto('secret')
      .values({ name, value: randomBytes(32) })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .execute()
    const { value } = await this.#db.selectFrom('secret').select('value').where('name', '=', name).executeTakeFirstOrThrow()
    return bufferOf(value)
  }

  close(): Promise<void> {
    return this.#db.destroy()
  }
}
