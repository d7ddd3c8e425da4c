/** SIP URIs: sip and sips (RFC 3261 §19.1), with the `gr` of RFC 5627. */
import { escaped } from './escaping.ts'
import { toAscii } from './idna.ts'
import { ipv6Literal } from './ip-literal.ts'
import { alphabet, percentDecoded, percentEncoded } from './percent.ts'

/** Characters of a URI: the longest JID, every byte of it percent-encoded, and room for parameters. */
const URI_MAX_CHARACTERS = 16_384
/** RFC 1035 §2.3.4. */
const HOST_MAX_CHARACTERS = 255

/** RFC 3261 §25.1: what stands for itself in each component. */
const USER = alphabet('&=+$,;?/')
const PASSWORD = alphabet('&=+$,')
const PARAMETER = alphabet('[]/:&+$')
const HEADER = alphabet('[]/?:+$')

/** Never in a URI as they are, whatever the component. Other characters the grammar would have escaped are read as themselves: telephones do send `*72#`. */
const NEVER = /[\x00-\x20\x7f<>"]/
// The underscore is no letter of a host name, but private networks use it.
const PLAIN_HOST = /^[a-z0-9_]+(?:[.-][a-z0-9_]+)*$/
const PLAIN_USER = /^[a-z0-9._+-]+$/

/** Not a SIP URI; the message says what is wrong with it. */
export class SipUriError extends Error {
  override name = 'SipUriError'
}

/** A parameter or header: name and value decoded; names of parameters in lower case. */
export interface SipUriField {
  readonly name: string
  readonly value: string | undefined
}

const NONE: readonly SipUriField[] = []

export interface SipUriOptions {
  readonly gr?: string | undefined
  readonly port?: number | undefined
  readonly params?: readonly SipUriField[]
  readonly scheme?: 'sip' | 'sips'
}

export class SipUri {
  #text: string | undefined
  #aor: string | undefined
  #bare: SipUri | undefined

  private constructor(
    readonly scheme: 'sip' | 'sips',
    /** Decoded. */
    readonly user: string | undefined,
    readonly password: string | undefined,
    /** Lower case, A-labels, IPv6 in brackets. */
    readonly host: string,
    readonly port: number | undefined,
    readonly params: readonly SipUriField[],
    readonly headers: readonly SipUriField[],
  ) {}

  static parse(text: string): SipUri {
    if (text.length > URI_MAX_CHARACTERS) throw new SipUriError('The URI is too long')
    if (NEVER.test(text)) throw new SipUriError('A space, quote, angle bracket or control character stands in the URI unescaped')
    const scheme = schemeOf(text)
    const start = scheme.length + 1

    // "@" stands only between user and host; "?" and ";" may stand in the user too, so they are looked for after it.
    const at = text.indexOf('@', start)
    const hostAt = at < 0 ? start : at + 1
    const question = text.indexOf('?', hostAt)
    const end = question < 0 ? text.length : question
    const semicolon = text.indexOf(';', hostAt)
    const hostEnd = semicolon < 0 || semicolon > end ? end : semicolon

    let user: string | undefined
    let password: string | undefined
    if (at >= 0) {
      const colon = text.indexOf(':', start)
      const userEnd = colon >= 0 && colon < at ? colon : at
      if (userEnd === start) throw new SipUriError('The user before "@" is empty')
      user = decoded(text.slice(start, userEnd), 'user')
      if (userEnd < at) password = decoded(text.slice(userEnd + 1, at), 'password')
    }
    const portAt = portColon(text, hostAt, hostEnd)
    const host = hostOf(text.slice(hostAt, portAt < 0 ? hostEnd : portAt))
    const port = portAt < 0 ? undefined : portOf(text.slice(portAt + 1, hostEnd))
    const params = hostEnd < end ? fields(text.slice(hostEnd + 1, end), ';', 'parameter') : NONE
    const headers = question < 0 ? NONE : fields(text.slice(question + 1), '&', 'header')
    return new SipUri(scheme, user, password, host, port, params, headers)
  }

  /** From parts that are not encoded. */
  static of(user: string | undefined, host: string, options?: SipUriOptions): SipUri {
    if (user === '') throw new SipUriError('The user is empty')
    const given = options?.params?.map(givenParam) ?? NONE
    const params = options?.gr === undefined ? given : [...given.filter(isNotGr), { name: 'gr', value: options.gr }]
    const port = options?.port === undefined ? undefined : portOf(String(options.port))
    return new SipUri(options?.scheme ?? 'sip', user, undefined, hostOf(host), port, params, NONE)
  }

  /** The device (RFC 5627); undefined also for the bare `gr` of a temporary GRUU, which names none. */
  get gr(): string | undefined {
    return this.param('gr')
  }

  get transport(): string | undefined {
    return this.param('transport')?.toLowerCase()
  }

  /** The value of a parameter; undefined where it is absent or has none. */
  param(name: string): string | undefined {
    for (const p of this.params) if (p.name === name) return p.value
    return undefined
  }

  /** The key of the account or registration this URI speaks of. */
  get aor(): string {
    this.#aor ??= aorKey(this.user, this.host)
    return this.#aor
  }

  /** Scheme, user and host alone. */
  get bare(): SipUri {
    if (this.port === undefined && this.params.length === 0 && this.headers.length === 0 && this.password === undefined) return this
    this.#bare ??= new SipUri(this.scheme, this.user, undefined, this.host, undefined, NONE, NONE)
    return this.#bare
  }

  withGr(gr: string | undefined): SipUri {
    const others = this.params.length === 0 ? NONE : this.params.filter(isNotGr)
    const params = gr === undefined ? others : [...others, { name: 'gr', value: gr }]
    return new SipUri(this.scheme, this.user, this.password, this.host, this.port, params, this.headers)
  }

  toString(): string {
    this.#text ??= this.#print()
    return this.#text
  }

  #print(): string {
    let text = `${this.scheme}:`
    if (this.user !== undefined) {
      text += percentEncoded(this.user, USER)
      if (this.password !== undefined) text += `:${percentEncoded(this.password, PASSWORD)}`
      text += '@'
    }
    text += this.host
    if (this.port !== undefined) text += `:${this.port}`
    for (const { name, value } of this.params) {
      text += `;${percentEncoded(name, PARAMETER)}`
      if (value !== undefined) text += `=${percentEncoded(value, PARAMETER)}`
    }
    let separator = '?'
    for (const { name, value } of this.headers) {
      text += `${separator}${percentEncoded(name, HEADER)}=${percentEncoded(value ?? '', HEADER)}`
      separator = '&'
    }
    return text
  }

  /** RFC 3261 §19.1.4. */
  equals(other: SipUri): boolean {
    return (
      this.scheme === other.scheme &&
      this.user === other.user &&
      this.password === other.password &&
      this.host === other.host &&
      this.port === other.port &&
      sameParams(this, other) &&
      sameHeaders(this.headers, other.headers)
    )
  }
}

/**
 * The key under which the core finds an account or a registration: the user as the localpart of an XMPP address would be, so that
 * sip:Romeo@d reaches romeo@d. An "@" in the user is escaped in it (XEP-0106): no two users share a key by accident.
 */
export function aorKey(user: string | undefined, host: string): string {
  if (user === undefined) return host
  return PLAIN_USER.test(user) ? `${user}@${host}` : `${escaped(user)}@${host}`
}

function isNotGr(param: SipUriField): boolean {
  return param.name !== 'gr'
}

function givenParam({ name, value }: SipUriField): SipUriField {
  if (name === '') throw new SipUriError('A parameter has no name')
  return { name: name.toLowerCase(), value }
}

function schemeOf(text: string): 'sip' | 'sips' {
  const colon = text.indexOf(':')
  const scheme = text.slice(0, Math.max(colon, 0)).toLowerCase()
  if (scheme === 'sip' || scheme === 'sips') return scheme
  throw new SipUriError(scheme === '' ? 'The URI has no scheme' : `The scheme ${scheme} is not sip or sips`)
}

function decoded(text: string, what: string): string {
  const plain = percentDecoded(text)
  if (plain === undefined) throw new SipUriError(`The ${what} has an escape that is incomplete or not UTF-8`)
  return plain
}

/** Where the port begins; -1 where there is none. The colons of an IPv6 literal are its own. */
function portColon(text: string, start: number, end: number): number {
  const from = text.charCodeAt(start) === 0x5b ? text.indexOf(']', start) : start
  const colon = text.indexOf(':', from < 0 ? end : from)
  return colon < end ? colon : -1
}

function hostOf(text: string): string {
  if (text.length <= HOST_MAX_CHARACTERS && PLAIN_HOST.test(text)) return text.includes('xn--') ? (toAscii(text) ?? refuseHost()) : text
  if (text.startsWith('[')) return ipv6Literal(text) ?? refuseHost()
  const lower = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  const name = PLAIN_HOST.test(lower) ? lower : toAscii(lower)
  return name === undefined || name.length > HOST_MAX_CHARACTERS ? refuseHost() : name
}

function refuseHost(): never {
  throw new SipUriError('The host is neither a domain name nor an IP address')
}

function portOf(text: string): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new SipUriError('The port is not a number up to 65535')
  return port
}

function fields(text: string, separator: ';' | '&', what: 'parameter' | 'header'): readonly SipUriField[] {
  const list: SipUriField[] = []
  for (const field of text.split(separator)) {
    const equals = field.indexOf('=')
    const name = decoded(equals < 0 ? field : field.slice(0, equals), what)
    if (name === '') throw new SipUriError(`A ${what} has no name`)
    const value = equals < 0 ? undefined : decoded(field.slice(equals + 1), what)
    // An empty value is not in the grammar of parameters: read as none.
    list.push(what === 'parameter' ? { name: name.toLowerCase(), value: value === '' ? undefined : value } : { name, value: value ?? '' })
  }
  return list
}

/** Present on one side only, these keep two URIs apart; transport as the RFC's own examples have it. All others are ignored then. */
const ALWAYS_COMPARED = new Set(['user', 'ttl', 'method', 'maddr', 'transport'])

function sameParams(a: SipUri, b: SipUri): boolean {
  return paramsAgree(a.params, b.params) && paramsAgree(b.params, a.params)
}

function paramsAgree(mine: readonly SipUriField[], others: readonly SipUriField[]): boolean {
  for (const { name, value } of mine) {
    const other = others.find((p) => p.name === name)
    if (other === undefined ? ALWAYS_COMPARED.has(name) : value?.toLowerCase() !== other.value?.toLowerCase()) return false
  }
  return true
}

/** Headers are never ignored: the same ones on both sides, in any order. */
function sameHeaders(a: readonly SipUriField[], b: readonly SipUriField[]): boolean {
  if (a.length !== b.length) return false
  const print = (h: SipUriField) => `${h.name.toLowerCase()}=${h.value}`
  const sorted = b.map(print).sort()
  return a
    .map(print)
    .sort()
    .every((text, i) => text === sorted[i])
}
