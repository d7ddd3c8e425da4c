/** Passwords that have to stay recoverable, sealed with a key that is not in the database. */
import type { Migration } from './migration.ts'

export const sealedPasswords: Migration = {
  number: 3,
  sql: `
    CREATE TABLE sealed (
      account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
      use TEXT NOT NULL,
      key_id TEXT NOT NULL,
      nonce BLOB NOT NULL,
      box BLOB NOT NULL,
      PRIMARY KEY (account_id, use)
    ) STRICT, WITHOUT ROWID;
  `,
}
