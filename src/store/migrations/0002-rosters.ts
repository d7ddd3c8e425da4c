/** Rosters (RFC 6121 §2), and records that rooms keep in their own words. */
import type { Migration } from './migration.ts'

export const rosters: Migration = {
  number: 2,
  sql: `
    CREATE TABLE roster (
      account TEXT PRIMARY KEY,
      version INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE contact (
      account TEXT NOT NULL,
      jid TEXT NOT NULL,
      name TEXT,
      groups TEXT NOT NULL,
      subscription TEXT NOT NULL,
      pending_out INTEGER NOT NULL,
      approved INTEGER NOT NULL,
      pending_in TEXT,
      listed INTEGER NOT NULL,
      PRIMARY KEY (account, jid)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE kept (
      room TEXT NOT NULL,
      key TEXT NOT NULL,
      owner TEXT NOT NULL,
      expires_at INTEGER,
      data TEXT NOT NULL,
      PRIMARY KEY (room, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX kept_owner ON kept (owner);
  `,
}
