/** Keys of SCRAM-SHA-512 and the hash of DIGEST-MD5: null where the password was given before, or the domain does not want them. */
import type { Migration } from './migration.ts'

export const moreKeys: Migration = {
  number: 4,
  sql: `
    ALTER TABLE account ADD COLUMN sha512_salt BLOB;
    ALTER TABLE account ADD COLUMN sha512_iterations INTEGER;
    ALTER TABLE account ADD COLUMN sha512_stored_key BLOB;
    ALTER TABLE account ADD COLUMN sha512_server_key BLOB;
    ALTER TABLE account ADD COLUMN digest_md5 BLOB;
  `,
}
