/** docs/xeps.md, from the features' own data: what is not in the code cannot be claimed. */
import type { AskedTelephone } from '../../src/account/asked-telephone.ts'
import type { Feature } from '../../src/account/feature.ts'
import { joinPresence } from '../../src/account/presence-rooms.ts'
import { Sessions } from '../../src/account/sessions.ts'
import { OK } from '../../src/core/answer.ts'
import { accountFeatures, domainFeatures, telephoneFeatures } from '../../src/features/index.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { MAKING } from '../support/making.ts'

/** Nothing is asked of it: what it would answer is data as well. */
const TELEPHONE: AskedTelephone = {
  traits: async () => ({}),
  alive: async () => {},
  idleSeconds: () => undefined,
  reads: undefined,
  owner: { address: '', number: undefined, uri: '', name: undefined },
}

interface Xep {
  readonly number: number
  readonly name: string
  readonly version: string
  readonly by: string
}

/** What streams and the mapping do is no feature of an account; each of these has tests of its own. */
const ELSEWHERE: readonly Xep[] = [
  { number: 66, name: 'Out of Band Data', version: '1.5', by: 'messages to telephones: the link, once' },
  { number: 85, name: 'Chat State Notifications', version: '2.1', by: 'messages to and from telephones (RFC 3994)' },
  { number: 107, name: 'User Mood', version: '1.2.2', by: 'presence documents of telephones (RPID)' },
  { number: 108, name: 'User Activity', version: '1.3', by: 'presence documents of telephones (RPID)' },
  { number: 172, name: 'User Nickname', version: '1.1', by: 'the display name of From' },
  { number: 184, name: 'Message Delivery Receipts', version: '1.4.0', by: 'messages to and from telephones (RFC 5438)' },
  { number: 308, name: 'Last Message Correction', version: '1.2.1', by: 'messages to telephones: as words' },
  { number: 319, name: 'Last User Interaction in Presence', version: '1.0.2', by: 'presence documents of telephones (RPID)' },
  { number: 333, name: 'Displayed Markers', version: '1.0.0', by: 'messages to and from telephones (RFC 5438)' },
  { number: 380, name: 'Explicit Message Encryption', version: '0.4.0', by: 'messages to telephones: the hint instead of ciphertext' },
  { number: 461, name: 'Message Replies', version: '0.2.1', by: 'messages to telephones: as words' },
  { number: 78, name: 'Non-SASL Authentication', version: '2.5', by: 'streams, where `legacyLogin` is on' },
  { number: 114, name: 'Jabber Component Protocol', version: '1.6', by: 'streams of components' },
  {
    number: 124,
    name: 'Bidirectional-streams Over Synchronous HTTP (BOSH)',
    version: '1.11.2',
    by: 'the web server, without keys and script syntax',
  },
  { number: 128, name: 'Service Discovery Extensions', version: '1.0.1', by: 'telephones' },
  { number: 156, name: 'Discovering Alternative XMPP Connection Methods', version: '1.4.0', by: 'the web server: host-meta' },
  {
    number: 178,
    name: 'Best Practices for Use of SASL EXTERNAL with Certificates',
    version: '1.2',
    by: 'streams of clients and of servers',
  },
  { number: 185, name: 'Dialback Key Generation and Validation', version: '1.0', by: 'streams of servers' },
  { number: 203, name: 'Delayed Delivery', version: '2.0', by: 'messages from SIP with a Date' },
  { number: 205, name: 'Best Practices to Discourage Denial of Service Attacks', version: '1.0.1', by: 'streams' },
  { number: 206, name: 'XMPP Over BOSH', version: '1.4', by: 'the web server' },
  { number: 220, name: 'Server Dialback', version: '1.1.1', by: 'streams of servers; outgoing streams carry one pair of domains' },
  { number: 232, name: 'Software Information', version: '0.3', by: 'telephones' },
  { number: 356, name: 'Privileged Entity', version: '0.4.1', by: 'streams of components: roster (without pushes) and message' },
  { number: 368, name: 'SRV records for XMPP over TLS', version: '1.1.0', by: 'streams: direct TLS with ALPN' },
  { number: 440, name: 'SASL Channel-Binding Type Capability', version: '0.4.2', by: 'streams' },
]

export function xepsPage(): string {
  const software = { name: 'Stoxgate', version: '0' }
  const sessions = new Sessions()
  const presence = joinPresence({ store: new MemoryStore().rosters, sessions, core: { submit: () => OK }, making: MAKING })
  const rows = [
    ...listed(
      domainFeatures(
        software,
        () => new Date(0),
        () => [],
      ),
      'the domain',
    ),
    ...listed(accountFeatures({ ...presence, sessions }), 'the account'),
    ...listed(
      telephoneFeatures(TELEPHONE, () => 0),
      'telephones',
    ),
    ...ELSEWHERE,
  ]
  const numbers = [...new Set(rows.map(({ number }) => number))].toSorted((a, b) => a - b)
  const lines = numbers.map((number) => {
    const same = rows.filter((row) => row.number === number)
    const [{ name, version } = { name: '', version: '' }] = same
    return `| [XEP-${String(number).padStart(4, '0')}](https://xmpp.org/extensions/xep-${String(number).padStart(4, '0')}.html) | ${name} | ${version} | ${same.map(({ by }) => by).join(', ')} |`
  })
  return `${HEAD}\n${lines.join('\n')}\n`
}

function listed(features: readonly Feature[], by: string): Xep[] {
  return features.flatMap(({ xeps }) => xeps.map((xep) => ({ ...xep, by })))
}

const HEAD = `# XMPP extensions

Made from the code by \`npm run docs\`; a test holds it. The base is RFC 6120, RFC 6121 §2 to §4 (rosters, subscriptions, presence) and §8 (delivery) and RFC 7622; towards SIP, RFC 7247 and RFC 7572.
Whatever else a stanza carries passes unchanged between XMPP clients, so end-to-end extensions that need nothing of a server work too.

| XEP | name | version | answered by |
|---|---|---|---|`
