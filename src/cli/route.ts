/** `stoxgate route ADDRESS`: which rule takes an address where, and what would be asked on the way. */
import fs from 'node:fs'
import { Jid, JidError } from '../address/jid.ts'
import { SipUri, SipUriError } from '../address/sip-uri.ts'
import { ConfigDocument } from '../config/document.ts'
import { DEFAULT_FILE } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import type { HopRoute } from '../core/route-rule.ts'
import { type Resolution, RouteTable } from '../core/route-table.ts'
import { jidFor, uriFor } from '../mapping/address.ts'
import { type Dns, NodeDns } from '../sip/locate/dns.ts'
import { Locator } from '../sip/locate/locator.ts'
import { NoResponseError, type Transport } from '../sip/port.ts'
import { openSqlite } from '../store/sqlite.ts'
import { configured } from './configuration.ts'
import { hostPort } from './host-port.ts'
import { CommandError, DONE, FAILED, MISUSED } from './outcome.ts'
import type { Terminal } from './terminal.ts'

export interface Explanation {
  readonly lines: readonly string[]
  readonly isReached: boolean
}

/** What else is asked: given, so that tests need no network and no database. */
export interface Asked {
  readonly dns: Dns
  readonly exists: (account: Jid) => Promise<boolean>
  /** Where the rule of that place stands, as `file:line`. */
  readonly placeOf: (index: number) => string
}

/** 1 where nothing leads there. */
export async function route(terminal: Terminal, address: string, file: string | undefined): Promise<number> {
  const settings = await configured(file)
  const { lines, isReached } = await explain(settings, address, {
    dns: new NodeDns(settings.dns.servers),
    exists: (account) => isAccount(settings, account),
    placeOf: placesIn(settings.file),
  })
  terminal.stdout.write(`${lines.join('\n')}\n`)
  return isReached ? DONE : FAILED
}

/** Throws CommandError for what is no address. */
export async function explain(settings: Settings, written: string, asked: Asked): Promise<Explanation> {
  const address = addressOf(written)
  const looks: (readonly [string, string, string])[] = []
  const table = new RouteTable(settings.routes)
  const found = table.resolve(
    address,
    () => false,
    ({ index, verdict, next }) => {
      const text = settings.routes[index]?.text ?? ''
      looks.push([asked.placeOf(index), text, next ? `makes it ${next}` : verdict === 'taken' ? 'takes it' : 'is not meant'])
    },
  )
  const { ends, isReached } = await endsOf(found, settings, asked)
  return { lines: [`address  ${bothNames(address)}`, ...inColumns(looks).map((line) => `rule     ${line}`), ...ends], isReached }
}

interface Ends {
  readonly ends: readonly string[]
  readonly isReached: boolean
}

async function endsOf(found: Resolution, settings: Settings, asked: Asked): Promise<Ends> {
  switch (found.kind) {
    case 'circle':
      return { ends: ['way      none: the aliases lead round in a circle; it is refused with 482'], isReached: false }
    case 'relay': {
      const { domain, host, port } = found.to
      const line = `way      none yet: the XMPP relay ${host}:${port} for ${domain.filled(found.address.host)}; this version opens no streams to other servers`
      return { ends: [line], isReached: false }
    }
    case 'hop':
      return hopEnds(found.to, found.relays, settings, asked.dns)
    case 'onward':
      return localEnds(found.address, settings, asked)
  }
}

async function hopEnds(to: HopRoute, relays: boolean, settings: Settings, dns: Dns): Promise<Ends> {
  const what = [
    to.trusted ? 'trusted' : 'not trusted',
    `P-XMPP-Data ${to.xmppData}`,
    `at most ${to.maxMessageBytes} bytes`,
    ...(relays ? [] : ['for our own accounts only']),
  ]
  const first = `way      SIP to ${to.uri} (${what.join(', ')})`
  const transports = transportsOf(settings)
  const reach = { by: (transport: Transport) => transports.has(transport), to: () => true }
  const locator = new Locator({ dns, reach, now: () => performance.now(), random: Math.random })
  try {
    const hops = await locator.hopsFor(to.uri)
    return {
      ends: [first, ...hops.map(({ transport, host, port }, i) => `hop ${i + 1}    ${transport} ${hostPort(host, port)}`)],
      isReached: true,
    }
  } catch (cause) {
    if (!(cause instanceof NoResponseError)) throw cause
    return { ends: [first, `hop      none: ${cause.message}`], isReached: false }
  }
}

/** TCP and TLS are there for what we send even without a listener. */
function transportsOf({ sip }: Settings): ReadonlySet<Transport> {
  if (sip.stack !== 'embedded') return new Set(['udp', 'tcp', 'tls', 'ws', 'wss'])
  return new Set<Transport>(['tcp', 'tls', ...sip.embedded.listeners.map(({ transport }) => transport)])
}

async function localEnds(address: SipUri, settings: Settings, { exists }: Asked): Promise<Ends> {
  const isHosted = settings.domains.some(({ name }) => uriFor(Jid.parse(name)).host === address.host)
  if (!isHosted)
    return { ends: [`way      none: no rule and no domain of ours is ${address.host}; it is refused with 404`], isReached: false }
  if (address.user === undefined) return { ends: [`way      the domain ${address.host} itself, which is ours`], isReached: true }
  const pbx = settings.domains.find(({ name }) => uriFor(Jid.parse(name)).host === address.host)?.pbx
  if (pbx) {
    const ends = [
      `way      the PBX ${pbx.uri}, where the accounts of ${address.host} live; what comes from there is for their sessions here`,
    ]
    return { ends, isReached: true }
  }
  const account = jidFor(address).bare
  if (await exists(account)) return { ends: [`way      the account ${account}`], isReached: true }
  return { ends: [`way      none: ${account} would be an account of ours, and nobody has it`], isReached: false }
}

function addressOf(written: string): SipUri {
  try {
    return /^sips?:/i.test(written) ? SipUri.parse(written) : uriFor(Jid.parse(written.replace(/^xmpp:/i, '')))
  } catch (cause) {
    if (cause instanceof SipUriError || cause instanceof JidError)
      throw new CommandError(`${written} is neither an XMPP address nor a SIP URI: ${cause.message}`, MISUSED)
    throw cause
  }
}

/** In both worlds, as far as the other one has a name for it. */
function bothNames(address: SipUri): string {
  try {
    return `${address}, in XMPP ${jidFor(address)}`
  } catch (cause) {
    if (cause instanceof JidError) return `${address}, which XMPP has no name for`
    throw cause
  }
}

function inColumns(rows: readonly (readonly [string, string, string])[]): string[] {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map(([place, text, verdict]) => `${place.padEnd(widths[0] ?? 0)}  ${text.padEnd(widths[1] ?? 0)}  ${verdict}`)
}

function placesIn(file: string | undefined): (index: number) => string {
  // The defaults have no rules.
  if (file === undefined) return () => DEFAULT_FILE
  const document = new ConfigDocument(file, fs.readFileSync(file, 'utf8'))
  return (index) => `${file}:${document.lineOf(['routes', index])}`
}

async function isAccount(settings: Settings, account: Jid): Promise<boolean> {
  // Nothing is made only because somebody asked.
  if (!fs.existsSync(settings.store.sqlite)) return false
  const store = openSqlite(settings.store.sqlite)
  try {
    return await store.accounts.exists(account)
  } finally {
    await store.close()
  }
}
