/** Brings a database to the newest schema, each step in a transaction of its own; refuses what is not ours or newer than we are. */
import type Database from 'libsql'
import { StoreError } from './failure.ts'
import { MIGRATIONS } from './migrations/index.ts'
import type { Migration } from './migrations/migration.ts'

/** "STXG" in the header of the file (SQLite's application_id): tells our database from any other. */
const APPLICATION_ID = 0x53545847

export function migrate(database: Database.Database, file: string, migrations: readonly Migration[] = MIGRATIONS): void {
  const newest = migrations.at(-1)?.number ?? 0
  // Mostly there is nothing to do, and a reader waits for nobody.
  if (numberOf(database, 'user_version') === newest && numberOf(database, 'application_id') === APPLICATION_ID) return
  // IMMEDIATE: of two processes that find an old database, one waits here and finds it new.
  database.exec('BEGIN IMMEDIATE')
  let isOpen = true
  try {
    refuseStrangers(database, file, newest)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    const version = numberOf(database, 'user_version')
    for (const { number, sql } of migrations) {
      if (number <= version) continue
      if (!isOpen) database.exec('BEGIN IMMEDIATE')
      isOpen = true
      database.exec(sql)
      database.exec(`PRAGMA user_version = ${number}`)
      database.exec('COMMIT')
      isOpen = false
    }
    if (isOpen) database.exec('COMMIT')
    isOpen = false
  } finally {
    if (isOpen) database.exec('ROLLBACK')
  }
}

function refuseStrangers(database: Database.Database, file: string, newest: number): void {
  const id = numberOf(database, 'application_id')
  const isEmpty = database.prepare('SELECT name FROM sqlite_master LIMIT 1').all().length === 0
  if (id !== APPLICATION_ID && !isEmpty)
    throw new StoreError(`${file} is the database of another program: let store.sqlite name another file`)
  const version = numberOf(database, 'user_version')
  if (version > newest)
    throw new StoreError(
      `${file} was written by a newer Stoxgate (schema ${version}; this version knows ${newest}): run that version, or put back a copy made before the update`,
    )
}

function numberOf(database: Database.Database, pragma: 'user_version' | 'application_id'): number {
  const [row] = database.prepare(`SELECT ${pragma} AS number FROM pragma_${pragma}`).all()
  return Number(typeof row === 'object' && row !== null && 'number' in row ? row.number : 0)
}
