/** Accounts for the gateway, written through its own store: 2,500 runs of `stoxgate account add` would take the better part of an hour. */
import type { Ground } from '../ground.ts'

export async function writeAccounts(_ground: Ground, _file: string): Promise<void> {
  throw new Error('the store is not built yet')
}
