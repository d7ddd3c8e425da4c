/** SIP URIs: sip and sips (RFC 3261 §19.1), with the `gr` of RFC 5627. */
import { escaped } from './escaping.ts'
import { toAscii } from './idna.ts'
import { ipv6Literal } from './ip-literal.ts'
import { alphabet, percentEncoded } from './percent.ts'
import { decoded, SipUriError } from './sip-uri-error.ts'
import {
  NO_FIELDS,
  parsedHeaders,
  parsedParams,
  printedHeaders,
  printedParams,
  type SipUriField,
  sameHeaders,
  sameParams,
} from './sip-uri-fields.ts'

/** Characters of a URI: the longest JID, every byte of it percent-encoded, and room for parameters. */
const URI_MAX_CHARACTERS = 16_384
/** RFC 1035 §2.3.4. */
const HOST_MAX_CHARACTERS = 255

/** RFC 3261 §25.1: what stands for itself in each component. */
const USER = alphabet('&=+$,;?/')
const PASSWORD = alphabet('&=+$,')

/** Never in a URI as they are, whatever the component. Other characters the grammar would have escaped are read as themselves: telephones do send `*72#`. */
const NEVER = /[\x00-\x20\x7f<>"]/
// The underscore is no letter of a host name, but private networks use it.
const PLAIN_HOST = /^[a-z0-9_]+(?:[.-][a-z0-9_]+)*$/

export { SipUriError, type SipUriField }

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
    const params = hostEnd < end ? parsedParams(text.slice(hostEnd + 1, end)) : NO_FIELDS
    const headers = question < 0 ? NO_FIELDS : parsedHeaders(text.slice(question + 1))
    return new SipUri(scheme, user, password, host, port, params, headers)
  }

  /** From parts that are not encoded. */
  static of(user: string | undefined, host: string, options?: SipUriOptions): SipUri {
    if (user === '') throw new SipUriError('The user is empty')
    const given = options?.params?.map(givenParam) ?? NO_FIELDS
    const params = options?.gr === undefined ? given : [...given.filter(isNotGr), { name: 'gr', value: options.gr }]
    const port = options?.port === undefined ? undefined : portOf(String(options.port))
    return new SipUri(options?.scheme ?? 'sip', user, undefined, hostOf(host), port, params, NO_FIELDS)
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
    this.#bare ??= new SipUri(this.scheme, this.user, undefined, this.host, undefined, NO_FIELDS, NO_FIELDS)
    return this.#bare
  }

  withGr(gr: string | undefined): SipUri {
    const others = this.params.length === 0 ? NO_FIELDS : this.params.filter(isNotGr)
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
    return text + printedParams(this.params) + printedHeaders(this.headers)
  }

  /** RFC 3261 §19.1.4. */
  equals(other: SipUri): boolean {
    return (
      this.scheme === other.scheme &&
      this.user === other.user &&
      this.password === other.password &&
      this.host === other.host &&
      this.port === other.port &&
      sameParams(this.params, other.params) &&
      sameHeaders(this.headers, other.headers)
    )
  }
}

/**
 * The key under which the core finds an account or a registration: the user as the localpart of an XMPP address would be, so that
 * sip:Romeo@d reaches romeo@d. An "@" in the user is escaped in it (XEP-0106): no two users share a key by accident.
 */
export function aorKey(user: string | undefined, host: string): string {
  return user === undefined ? host : `${escaped(user)}@${host}`
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
