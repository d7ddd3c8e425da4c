/** One rule of the Router's table: which addresses it takes, and where. */
import { escaped, unescaped } from '../address/escaping.ts'
import { SipUri, SipUriError } from '../address/sip-uri.ts'
import { Wildcard } from './wildcard.ts'

/** As somebody writes it: `MATCH = TO` in one line, or these keys. */
export interface RouteFields {
  readonly match: string
  readonly to: string
  readonly trusted?: boolean | undefined
  readonly xmppData?: 'header' | 'base64' | 'off' | undefined
  readonly fromGruu?: boolean | undefined
  readonly maxMessageBytes?: number | undefined
}

/** The next hop of a `sip:` target, and what goes there. */
export interface HopRoute {
  readonly kind: 'hop'
  readonly uri: SipUri
  /** What it says of itself counts: P-XMPP-Data, and whom it vouches for. */
  readonly trusted: boolean
  readonly xmppData: 'header' | 'base64' | 'off'
  readonly fromGruu: boolean
  readonly maxMessageBytes: number
}

/** `name@host._via`: over XMPP, to this host, whatever DNS says of the domain. */
export interface RelayRoute {
  readonly kind: 'relay'
  /** The domain the stream is opened to; `*` is the one of the address. */
  readonly domain: Wildcard
  /** A name, or an address in the form of a URI. */
  readonly host: string
  readonly port: number
}

/** Another address, with which the table begins again. */
export interface AliasRoute {
  readonly kind: 'alias'
  /** Undefined: the user stays. */
  readonly user: Wildcard | undefined
  readonly domain: Wildcard
}

export interface RouteRule {
  /** As it was written, for people. */
  readonly text: string
  /** False after `NoRelay:`: only for senders of our own and those we trust. */
  readonly relays: boolean
  /** Undefined: every user, and the domain itself. */
  readonly user: Wildcard | undefined
  readonly domain: Wildcard
  readonly to: HopRoute | RelayRoute | AliasRoute
}

/** What is wrong with a rule, as the end of a sentence that begins with its key. */
export class RouteMistake extends Error {
  override name = 'RouteMistake'

  constructor(
    readonly key: keyof RouteFields,
    sentence: string,
  ) {
    super(sentence)
  }
}

/** Bytes of a request to a hop of which nothing else is said. */
export const ROUTE_MESSAGE_MAX_BYTES = 65_536
/** RFC 6120 §14.7. */
export const XMPP_SERVER_PORT = 5_269

const NO_RELAY = /^norelay:\s*/i
const VIA = /\._via$/i
/** Stands for `*` while a name is brought into its form. */
const STAR = 'stoxgatestar'
const TRANSPORTS = ['udp', 'tcp', 'tls', 'ws', 'wss']
const HOP_PARAMS = new Set(['transport', 'maddr', 'lr'])

/** Throws RouteMistake. */
export function routeRule(fields: RouteFields): RouteRule {
  const match = fields.match.trim()
  const to = fields.to.trim()
  const relays = !NO_RELAY.test(match)
  const { user, domain } = namesIn(match.replace(NO_RELAY, ''), 'match')
  const target = targetOf(to, fields)
  requireHopOptions(target, fields)
  if (target.kind === 'relay' && target.domain.isWild && target.domain.text !== '*')
    throw new RouteMistake('to', 'the name before the relay is a domain, or * for the one of the address')
  // An address without a user cannot be given another one.
  const taken = user ?? (target.kind === 'alias' && target.user ? new Wildcard('*') : undefined)
  if (target.kind === 'alias') requireAnother({ user: taken, domain }, target)
  return { text: `${match} = ${to}`, relays, user: taken, domain, to: target }
}

/** `MATCH = TO`; throws RouteMistake. */
export function routeLine(line: string): RouteFields {
  // "=" may stand in the parameters of a URI, which come behind it.
  const at = line.indexOf('=')
  if (at < 0) throw new RouteMistake('match', 'is no route: write "pbx.example = sip:192.0.2.20;transport=tcp"')
  const fields = { match: line.slice(0, at).trim(), to: line.slice(at + 1).trim() }
  if (fields.match === '') throw new RouteMistake('match', 'says nothing before the =; there belongs a domain, user@domain or *')
  if (fields.to === '')
    throw new RouteMistake('to', 'says nothing behind the =; there belongs a sip: address, a domain, user@domain or name@host._via')
  return fields
}

/** The key under which users are compared: as the localpart of an XMPP address would be. */
export const userKey = (user: string): string => escaped(user)

function targetOf(to: string, fields: RouteFields): RouteRule['to'] {
  if (/^sips?:/i.test(to)) return hopOf(to, fields)
  if (/^(?:tel|xmpp|https?|wss?|udp|tcp|tls):/i.test(to))
    throw new RouteMistake('to', `${to}: a next hop is a sip: address, such as sip:192.0.2.20;transport=tcp`)
  if (VIA.test(to)) return relayOf(to.replace(VIA, ''))
  const { user, domain } = namesIn(to, 'to')
  return { kind: 'alias', user, domain }
}

function hopOf(to: string, fields: RouteFields): HopRoute {
  let uri: SipUri
  try {
    uri = SipUri.parse(to)
  } catch (cause) {
    if (cause instanceof SipUriError) throw new RouteMistake('to', `${to} is no SIP address: ${cause.message}`)
    throw cause
  }
  if (uri.user !== undefined) throw new RouteMistake('to', `${to} names a user; a next hop is a host: the user of the address stays`)
  const strange = uri.params.find(({ name }) => !HOP_PARAMS.has(name))
  if (strange || uri.headers.length > 0)
    throw new RouteMistake('to', `${to} has more than a next hop can use: a host, a port and a transport`)
  const { transport } = uri
  if (transport !== undefined && !TRANSPORTS.includes(transport))
    throw new RouteMistake('to', `${to}: ${transport} is no transport; there is ${TRANSPORTS.join(', ')}`)
  if (uri.scheme === 'sips' && transport === 'udp') throw new RouteMistake('to', `${to}: sips: promises encryption, which udp has not`)
  const trusted = fields.trusted ?? false
  // P-XMPP-Data goes to those we trust, never to strangers, unless the operator says so.
  const xmppData = fields.xmppData ?? (trusted ? 'header' : 'off')
  return {
    kind: 'hop',
    uri,
    trusted,
    xmppData,
    fromGruu: fields.fromGruu ?? xmppData !== 'off',
    maxMessageBytes: fields.maxMessageBytes ?? ROUTE_MESSAGE_MAX_BYTES,
  }
}

function relayOf(text: string): RelayRoute {
  const at = text.indexOf('@')
  if (at < 1) throw new RouteMistake('to', `${text}._via names no domain: write company.example@${text.replace('@', '')}._via`)
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text.slice(at + 1)) ?? []
  if (host === '') throw new RouteMistake('to', `${text}._via names no relay: write name@host._via or name@host:port._via`)
  const number = port === undefined ? XMPP_SERVER_PORT : Number(port)
  if (number < 1 || number > 65_535) throw new RouteMistake('to', `${number} is no port`)
  return { kind: 'relay', domain: domainOf(text.slice(0, at), 'to'), host: domainOf(host, 'to').text, port: number }
}

/** `domain` or `user@domain`. */
function namesIn(text: string, key: 'match' | 'to'): { readonly user: Wildcard | undefined; readonly domain: Wildcard } {
  const at = text.lastIndexOf('@')
  if (at < 0) return { user: undefined, domain: domainOf(text, key) }
  const user = text.slice(0, at)
  if (user === '') throw new RouteMistake(key, `${text} has nothing before the @; leave the @ away for the whole domain`)
  return { user: userOf(user, key), domain: domainOf(text.slice(at + 1), key) }
}

/** Written as in an XMPP address, or as it is spoken: both are brought into the form of a localpart. */
function userOf(text: string, key: 'match' | 'to'): Wildcard {
  try {
    return new Wildcard(
      text
        .split('*')
        .map((part) => userKey(unescaped(part)))
        .join('*'),
    )
  } catch (cause) {
    if (cause instanceof RangeError) throw new RouteMistake(key, `${text}: ${cause.message}`)
    throw cause
  }
}

function domainOf(text: string, key: 'match' | 'to'): Wildcard {
  if (text === '*') return new Wildcard('*')
  try {
    const { host } = SipUri.of(undefined, text.replaceAll('*', STAR))
    // A label that is not ASCII becomes another one as a whole, with the star in it.
    if (host.split('.').some((label) => label.startsWith('xn--') && label.includes(STAR)))
      throw new RangeError('a * cannot stand in a label with letters that are not ASCII')
    return new Wildcard(host.replaceAll(STAR, '*'))
  } catch (cause) {
    if (cause instanceof SipUriError) throw new RouteMistake(key, `${JSON.stringify(text)} is no domain`)
    if (cause instanceof RangeError) throw new RouteMistake(key, `${text}: ${cause.message}`)
    throw cause
  }
}

function requireHopOptions(target: RouteRule['to'], fields: RouteFields): void {
  if (target.kind === 'hop') return
  for (const key of ['trusted', 'xmppData', 'fromGruu', 'maxMessageBytes'] as const)
    if (fields[key] !== undefined) throw new RouteMistake(key, 'means something only where "to" is a sip: address; remove it')
}

function requireAnother(match: { readonly user: Wildcard | undefined; readonly domain: Wildcard }, to: AliasRoute): void {
  if (to.domain.isWild && !match.domain.isWild)
    throw new RouteMistake('to', 'the * of its domain stands for nothing: there is none in the domain that is matched')
  if (to.user?.isWild && !match.user?.isWild)
    throw new RouteMistake('to', 'the * of its user stands for nothing: there is none in the user that is matched')
  const isSameUser = to.user === undefined || to.user.text === match.user?.text
  if (isSameUser && to.domain.text === match.domain.text) throw new RouteMistake('to', 'leads to itself')
}
