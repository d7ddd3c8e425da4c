/** Accounts with everything made from one password in one row, so that one statement replaces it all; telephones; secrets. */
import type { Migration } from './migration.ts'

export const accounts: Migration = {
  number: 1,
  sql: `
    CREATE TABLE account (
      id INTEGER PRIMARY KEY,
      domain TEXT NOT NULL,
      local TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      sha1_salt BLOB NOT NULL,
      sha1_iterations INTEGER NOT NULL,
      sha1_stored_key BLOB NOT NULL,
      sha1_server_key BLOB NOT NULL,
      sha256_salt BLOB NOT NULL,
      sha256_iterations INTEGER NOT NULL,
      sha256_stored_key BLOB NOT NULL,
      sha256_server_key BLOB NOT NULL,
      sip_md5_local TEXT,
      sip_md5_full TEXT,
      sip_sha256_local TEXT,
      sip_sha256_full TEXT,
      UNIQUE (domain, local)
    ) STRICT;

    CREATE TABLE binding (
      aor TEXT NOT NULL,
      position INTEGER NOT NULL,
      contact TEXT NOT NULL,
      expires_at INTEGER NOT NULL,
      data TEXT NOT NULL,
      PRIMARY KEY (aor, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE secret (
      name TEXT PRIMARY KEY,
      value BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
  `,
}
