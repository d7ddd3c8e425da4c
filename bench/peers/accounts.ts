/** Accounts for the gateway, written through its own store: 2,500 runs of `stoxgate account add` would take the better part of an hour. */
import { deriveCredentials } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import type { Ground } from '../ground.ts'

/** The SCRAM keys are those of the first account, as on the peers: a server cannot tell, and nobody waits for 5,000 derivations. */
export async function writeAccounts(ground: Ground, file: string): Promise<void> {
  const store = openSqlite(file)
  try {
    const { scram } = await deriveCredentials(Jid.parse(`${ground.user(0)}@${ground.domain}`), ground.password, { telephones: true })
    for (let n = 0; n < ground.accounts; n++) {
      const jid = Jid.parse(`${ground.user(n)}@${ground.domain}`)
      const { sip } = await deriveCredentials(jid, ground.password, { telephones: true, rounds: 1 })
      await store.accounts.add(jid, sip ? { scram, sip } : { scram })
    }
  } finally {
    await store.close()
  }
}
