/** The path a response takes back: `SIP/2.0/UDP host:port;branch=…;received=…;rport=…` (RFC 3261 §20.42, RFC 3581). */
import { BRANCH_COOKIE } from './identifier.ts'
import { type Params, parseParams, skipSpace } from './params.ts'
import { SipSyntaxError } from './syntax-error.ts'

/** White space may stand around each slash (RFC 4475 §3.1.1.1). */
const PROTOCOL = /^[ \t]*SIP[ \t]*\/[ \t]*2\.0[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+/i
const NAME_OR_IPV4 = /^[A-Za-z0-9._-]+$/
const IPV6 = /^[0-9A-Fa-f:.]+$/
const COLON = 0x3a
const SEMICOLON = 0x3b
const SPACE = 0x20
const TAB = 0x09
const OPEN = 0x5b

export class Via {
  constructor(
    /** In capitals: UDP, TCP, TLS, SCTP or what it names. */
    readonly transport: string,
    /** Without the brackets of IPv6. */
    readonly host: string,
    readonly port: number | undefined,
    readonly params: Params,
  ) {}

  get branch(): string | undefined {
    return this.params.get('branch')
  }

  /** Whether the branch alone names the transaction; the cookie with nothing behind it names none (RFC 4475 §3.2.1). */
  get hasUniqueBranch(): boolean {
    const { branch } = this
    return branch !== undefined && branch.length > BRANCH_COOKIE.length && branch.slice(0, BRANCH_COOKIE.length).toLowerCase() === 'z9hg4bk'
  }

  get sentBy(): string {
    const host = this.host.includes(':') ? `[${this.host}]` : this.host
    return this.port === undefined ? host : `${host}:${this.port}`
  }

  toString(): string {
    return `SIP/2.0/${this.transport} ${this.sentBy}${this.params}`
  }
}

/** One value; throws SipSyntaxError. */
export function parseVia(text: string): Via {
  const protocol = PROTOCOL.exec(text)
  if (!protocol) throw new SipSyntaxError('it does not begin with SIP/2.0 and a transport')
  let at = protocol[0].length
  let host: string
  if (text.charCodeAt(at) === OPEN) {
    const close = text.indexOf(']', at)
    if (close < 0) throw new SipSyntaxError('an IPv6 address has no closing ]')
    host = text.slice(at + 1, close)
    if (!IPV6.test(host)) throw new SipSyntaxError('its host is no address')
    at = close + 1
  } else {
    const start = at
    while (at < text.length) {
      const c = text.charCodeAt(at)
      if (c === COLON || c === SEMICOLON || c === SPACE || c === TAB) break
      at++
    }
    host = text.slice(start, at)
    if (!NAME_OR_IPV4.test(host)) throw new SipSyntaxError('its host is no name or address')
  }
  at = skipSpace(text, at)
  let port: number | undefined
  if (text.charCodeAt(at) === COLON) {
    const digits = /^:[ \t]*(\d{1,5})(?=[ \t;]|$)/.exec(text.slice(at))
    port = digits ? Number(digits[1]) : 0
    if (!digits || port < 1 || port > 65_535) throw new SipSyntaxError('its port is no port')
    at += digits[0].length
  }
  return new Via((protocol[1] ?? '').toUpperCase(), host, port, parseParams(text, at))
}
