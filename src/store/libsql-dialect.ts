/**
 * kysely on libsql. Its own SQLite dialect prepares every statement anew, and lets all waiters race for the one connection: 5,000 logins at once took a
 * second. Here statements are kept, and as the driver answers at once, only a transaction makes others wait, in order.
 */
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type Database from 'libsql'
import { StoreError, sentenceFor } from './failure.ts'

/** Queries are built from a fixed set of shapes; a shape that varies with its data must not fill the memory. */
const STATEMENTS_KEPT = 200

export class LibsqlDialect implements Dialect {
  readonly #database: Database.Database
  readonly #file: string

  constructor(database: Database.Database, file: string) {
    this.#database = database
    this.#file = file
  }

  createDriver(): Driver {
    return new LibsqlDriver(this.#database, this.#file)
  }

  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler()
  }

  createAdapter(): SqliteAdapter {
    return new SqliteAdapter()
  }

  createIntrospector(db: Kysely<unknown>): SqliteIntrospector {
    return new SqliteIntrospector(db)
  }
}

class LibsqlDriver implements Driver {
  readonly #database: Database.Database
  readonly #connection: LibsqlConnection
  #isTaken = false
  readonly #waiting: ((connection: DatabaseConnection) => void)[] = []

  constructor(database: Database.Database, file: string) {
    this.#database = database
    this.#connection = new LibsqlConnection(database, file)
  }

  async init(): Promise<void> {}

  /** One at a time, also for single statements: between this and the statement another's transaction could begin, and swallow it. */
  acquireConnection(): Promise<DatabaseConnection> {
    if (this.#isTaken) return new Promise((resolve) => this.#waiting.push(resolve))
    this.#isTaken = true
    return Promise.resolve(this.#connection)
  }

  /** Handed to the next in line, not thrown among all. */
  async releaseConnection(): Promise<void> {
    const next = this.#waiting.shift()
    if (next) next(this.#connection)
    else this.#isTaken = false
  }

  /** IMMEDIATE: a transaction that began as a reader cannot wait for another process's lock. */
  async beginTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('BEGIN IMMEDIATE'))
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('COMMIT'))
  }

  async rollbackTransaction(): Promise<void> {
    await this.#connection.executeQuery(CompiledQuery.raw('ROLLBACK'))
  }

  async destroy(): Promise<void> {
    this.#connection.forget()
    // What is in the write-ahead log goes into the file, so that who copies one file of a stopped gateway copies all.
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    this.#database.close()
  }
}

class LibsqlConnection implements DatabaseConnection {
  readonly #database: Database.Database
  readonly #file: string
  readonly #statements = new Map<string, Database.Statement>()

  constructor(database: Database.Database, file: string) {
    this.#database = database
    this.#file = file
  }

  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    try {
      const statement = this.#prepared(sql)
      if (statement.reader) return { rows: statement.all(parameters) as R[] }
      const { changes } = statement.run(parameters)
      return { rows: [], numAffectedRows: BigInt(changes) }
    } catch (cause) {
      const sentence = sentenceFor(cause, this.#file)
      throw sentence === undefined ? cause : new StoreError(sentence, { cause })
    }
  }

  streamQuery(): never {
    throw new Error('queries are answered whole')
  }

  forget(): void {
    this.#statements.clear()
  }

  #prepared(sql: string): Database.Statement {
    let statement = this.#statements.get(sql)
    if (!statement) {
      if (this.#statements.size >= STATEMENTS_KEPT) this.#statements.clear()
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
