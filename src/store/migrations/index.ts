/** All steps of the schema, in order. A new one: one file, one line. */
import { accounts } from './0001-accounts.ts'
import { rosters } from './0002-rosters.ts'
import { sealedPasswords } from './0003-sealed-passwords.ts'
import { moreKeys } from './0004-more-keys.ts'
import type { Migration } from './migration.ts'

export const MIGRATIONS: readonly Migration[] = [accounts, rosters, sealedPasswords, moreKeys]
