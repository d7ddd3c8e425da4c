/** What no key alone can show: keys that contradict each other, files that are not what they should be. */

import type { SipUri } from '../address/sip-uri.ts'
import { AuthorityError, clientCertificatesOf } from '../client-authorities.ts'
import { RouteTable } from '../core/route-table.ts'
import { silent } from '../log/log.ts'
import { loadIdentity } from '../stream/certificate.ts'
import type { ConfigDocument } from './document.ts'
import { keyOf, type Mistake, type Path } from './mistake.ts'
import { checkedByPbx, conferenceOf, type Settings } from './settings.ts'

/** `wrong`: sections that have mistakes already; what stands in for them is not what the operator wrote, so nothing is said against it. */
export async function disagreements(
  settings: Settings,
  document: ConfigDocument,
  wrong: ReadonlySet<string> = new Set(),
): Promise<Mistake[]> {
  const mistakes: Mistake[] = []
  const add = (path: Path, sentence: string) =>
    mistakes.push({ file: document.file, line: document.lineOf(path), key: keyOf(path), sentence })
  if (!wrong.has('domains')) {
    repeatedDomains(settings, add)
    await badCertificates(settings, add)
    passwordsOfPbx(settings, add)
    badAuthorities(settings, add)
  }
  if (!wrong.has('routes')) uselessRoutes(settings, add)
  if (!wrong.has('sip')) unreachableByWebSocket(settings, wrong, add)
  if (!wrong.has('receiving')) doubtfulComponents(settings, wrong, add)
  if (!['receiving', 'sip', 'http'].some((section) => wrong.has(section))) clashingListeners(settings, add)
  return mistakes.sort((a, b) => a.line - b.line)
}

type Add = (path: Path, sentence: string) => void

function repeatedDomains({ domains }: Settings, add: Add): void {
  const seen = new Map<string, number>()
  for (const [i, { name }] of domains.entries()) {
    const first = seen.get(name)
    if (first === undefined) seen.set(name, i)
    else add(['domains', i, 'name'], `${name} is domains[${first}] already; remove one of them`)
  }
}

/** A component has a name of its own, which nobody else here has. */
function doubtfulComponents({ receiving, domains }: Settings, wrong: ReadonlySet<string>, add: Add): void {
  const hosted = wrong.has('domains') ? [] : domains.map(({ name }) => name)
  const seen = new Map<string, number>()
  for (const [i, { domain }] of receiving.components.entries()) {
    const path = ['receiving', 'components', i, 'domain']
    const first = seen.get(domain)
    if (first !== undefined) add(path, `${domain} is receiving.components[${first}] already; remove one of them`)
    else seen.set(domain, i)
    if (hosted.includes(domain)) add(path, `${domain} is one of domains: a component needs a name of its own, such as icq.${domain}`)
    else if (hosted.some((name) => domain === conferenceOf(name)))
      add(path, `${domain} is where the chat rooms of ${domain.slice(domain.indexOf('.') + 1)} are; give the component another name`)
  }
}

/** EXTERNAL goes by certificates that somebody has to stand behind. */
function badAuthorities({ domains }: Settings, add: Add): void {
  for (const [i, domain] of domains.entries()) {
    if (domain.mechanisms.includes('EXTERNAL') && !domain.clientCertificates)
      add(['domains', i, 'mechanisms'], 'has EXTERNAL, but there is no clientCertificates to say whose certificates count')
    try {
      clientCertificatesOf(domain)
    } catch (cause) {
      if (!(cause instanceof AuthorityError)) throw cause
      add(['domains', i, 'clientCertificates', 'authorities'], cause.message)
    }
  }
}

/** A PBX that checks passwords has to be shown them, and nobody else may see them. */
function passwordsOfPbx({ domains }: Settings, add: Add): void {
  for (const [i, domain] of domains.entries()) {
    const { pbx, mechanisms, requireTls } = domain
    if (pbx?.credentials === 'stored' && !pbx.register)
      add(['domains', i, 'pbx', 'credentials'], 'stored says what an account registers with, but register is false: remove one of them')
    if (!checkedByPbx(domain)) continue
    if (!mechanisms.includes('PLAIN'))
      add(['domains', i, 'mechanisms'], 'must have PLAIN, the only mechanism that shows the PBX a password to check')
    if (!requireTls)
      add(['domains', i, 'requireTls'], 'must be true where a PBX checks passwords: PLAIN shows them to everybody on the way')
  }
}

/** Through a WebSocket one PBX is reached and nobody else, and it reaches who has registered through it. */
function unreachableByWebSocket({ sip, domains, routes }: Settings, wrong: ReadonlySet<string>, add: Add): void {
  if (sip.stack !== 'websocket') return
  const { url } = sip.websocket
  if (url === undefined) {
    add(['sip', 'websocket', 'url'], 'is missing; it must be the address of the PBX, such as wss://pbx.example/ws')
    return
  }
  const { hostname, protocol, port } = new URL(url)
  const isThere = ({ host, port: own, transport }: SipUri): boolean =>
    host === hostname &&
    (own === undefined || String(own) === (port === '' ? (protocol === 'wss:' ? '443' : '80') : port)) &&
    (transport === 'ws' || transport === 'wss')
  const only = `must be sip:${hostname};transport=ws: by sip.stack: websocket nobody is reached but ${url}`
  if (!wrong.has('routes'))
    for (const [i, { to }] of routes.entries()) if (to.kind === 'hop' && !isThere(to.uri)) add(['routes', i, 'to'], only)
  if (wrong.has('domains')) return
  if (!domains.some(({ pbx }) => pbx))
    add(['sip', 'stack'], 'websocket needs a domain whose accounts live on the PBX: give one of domains a pbx')
  for (const [i, { pbx }] of domains.entries()) {
    if (pbx && !isThere(pbx.uri)) add(['domains', i, 'pbx', 'uri'], only)
    if (pbx && !pbx.register)
      add(['domains', i, 'pbx', 'register'], 'must be true: over WebSocket a PBX reaches nobody but who has registered there')
  }
}

/** What no address ever reaches, or only in a circle. */
function uselessRoutes({ routes }: Settings, add: Add): void {
  const seen = new Map<string, number>()
  for (const [i, { user, domain, to }] of routes.entries()) {
    const match = user === undefined ? domain.text : `${user.text}@${domain.text}`
    const first = seen.get(match)
    if (first !== undefined) add(['routes', i, 'match'], `${match} is taken by routes[${first}] already; remove one of them`)
    // What a hop itself sends passes its rule by, so another one for the same addresses may stand behind it.
    else if (to.kind !== 'hop') seen.set(match, i)
  }
  const circle = new RouteTable(routes).circle()
  if (circle !== undefined) add(['routes', circle, 'to'], 'leads round in a circle: an alias behind it comes back here')
}

/** A socket on all addresses excludes another on the same port. */
function clashingListeners({ receiving, sip, http }: Settings, add: Add): void {
  const sockets = [
    ...receiving.listeners.map((listener, i) => ({ ...listener, transport: 'tcp', path: ['receiving', 'listeners', i] })),
    ...http.listeners.map((listener, i) => ({ ...listener, transport: 'tcp', path: ['http', 'listeners', i] })),
    ...(sip.stack === 'embedded' ? sip.embedded.listeners : []).map((listener, i) => ({
      ...listener,
      // TLS and WebSockets are spoken over TCP.
      transport: listener.transport === 'udp' ? 'udp' : 'tcp',
      path: ['sip', 'embedded', 'listeners', i],
    })),
  ]
  for (const [i, socket] of sockets.entries()) {
    if (socket.port === 0) continue
    const other = sockets
      .slice(0, i)
      .find((one) => one.port === socket.port && one.transport === socket.transport && overlap(one.address, socket.address))
    if (other)
      add([...socket.path, 'port'], `${socket.port} is the port of ${keyOf(other.path)} already; give one of them another port or address`)
  }
}

function overlap(a: string | undefined, b: string | undefined): boolean {
  return a === b || isAll(a) || isAll(b)
}

function isAll(address: string | undefined): boolean {
  return address === undefined || address === '::' || address === '0.0.0.0'
}

async function badCertificates({ domains }: Settings, add: Add): Promise<void> {
  for (const [i, { name, certificate }] of domains.entries()) {
    if (!certificate) continue
    try {
      await loadIdentity(name, certificate, silent)
    } catch (cause) {
      const sentence = cause instanceof Error ? cause.message : String(cause)
      add(['domains', i, 'certificate', sentence.startsWith(certificate.key) ? 'key' : 'cert'], sentence)
    }
  }
}
