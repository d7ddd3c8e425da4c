/** The stream room alone in a process of its own, for sessions.ts: accounts in memory, stanzas carried from session to session, no core. */

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveCredentials } from '../../src/account/credentials.ts'
import { KEY_BYTES, Keyring } from '../../src/account/secrets/keyring.ts'
import { RecoverablePasswords } from '../../src/account/secrets/recoverable.ts'
import { Sessions } from '../../src/account/sessions.ts'
import { Jid } from '../../src/address/jid.ts'
import { silent } from '../../src/log/log.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { type ClientRooms, ClientStream, NEGOTIATION } from '../../src/stream/c2s.ts'
import { loadIdentity, selfSigned } from '../../src/stream/certificate.ts'
import { GUESS_LIMITS, STREAM_LIMITS } from '../../src/stream/limits.ts'
import { StreamService } from '../../src/stream/listener.ts'
import { Guesses } from '../../src/stream/sasl/guesses.ts'
import { TlsDoor } from '../../src/stream/tls.ts'

const domain = 'xmpp.example'
const accounts = Number(process.argv[2])
const store = new MemoryStore()
const credentials = await deriveCredentials(Jid.parse(`user@${domain}`), 'secret', { telephones: false })
for (let i = 0; i < accounts; i++) store.accounts.add(Jid.of(`user${i}`, domain), credentials)

const directory = await mkdtemp(join(tmpdir(), 'stoxgate-bench-'))
const identity = await loadIdentity(domain, await selfSigned(domain, directory, silent), silent)
await rm(directory, { recursive: true })

const sessions = new Sessions()
const rooms: ClientRooms = {
  domains: new Map([
    [
      domain,
      { name: domain, requireTls: false, mechanisms: ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN'] },
    ],
  ]),
  logins: {
    accounts: store.accounts,
    passwords: new RecoverablePasswords(store.sealed, new Keyring([randomBytes(KEY_BYTES)])),
    guesses: new Guesses(GUESS_LIMITS),
    fakeSecret: store.secret('fake keys'),
    roundsOf: () => 10_000,
  },
  sessions,
  fromClient: {
    take(session, xml) {
      const to = xml.attr('to')
      const target = to === undefined ? session : sessions.sessionsOf(to.slice(0, to.indexOf('/')))[0]
      target?.deliver(xml.withAttr('from', session.jid.toString()))
    },
    available() {},
    unavailable() {},
    ended() {},
  },
  limits: STREAM_LIMITS,
  negotiation: NEGOTIATION,
}
const service = new StreamService({
  listeners: [{ port: 0, address: '127.0.0.1' }],
  channels: accounts + 10,
  limits: STREAM_LIMITS,
  defaultDomain: domain,
  tls: new TlsDoor([identity], STREAM_LIMITS.handshakeSeconds),
  roles: new Map([['jabber:client', (connection) => new ClientStream(connection, rooms)]]),
  log: silent,
})
const [listening] = await service.start()
process.send?.({ port: listening?.port })
process.on('message', (what) => {
  if (what === 'collect') globalThis.gc?.()
  process.send?.({ cpu: process.cpuUsage(), rss: process.memoryUsage.rss(), sessions: sessions.size })
})
process.on('disconnect', () => process.exit())
