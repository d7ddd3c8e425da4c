/** SIP requests and responses as plain data (RFC 3261 §7), with or without a wire. The codec is in codec.ts. */
import { isNamed, type SoughtName, soughtName } from './header-names.ts'
import { splitList } from './list.ts'
import { reasonFor } from './reason.ts'

export { reasonFor } from './reason.ts'

/** Our own mistake: text that would have become another header field on the wire, or a name that is none. */
export class HeaderError extends Error {
  override name = 'HeaderError'
}

const UNPRINTABLE = /[\r\n\0]/
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/

/** Header fields in order. Names compare without case and a compact form is its long one (RFC 3261 §7.3.3); values stay as they were written. */
export class Headers {
  /** name, value, name, value …, names as written. */
  readonly list: string[]

  constructor(list: string[] = []) {
    this.list = list
  }

  /** The first field of that name, its value as written. */
  get(name: string): string | undefined {
    const at = this.#find(soughtName(name), 0)
    return at < 0 ? undefined : this.list[at + 1]
  }

  /** The value of each field of that name, as written, in order. */
  all(name: string): string[] {
    const sought = soughtName(name)
    const found: string[] = []
    for (let at = this.#find(sought, 0); at >= 0; at = this.#find(sought, at + 2)) found.push(this.list[at + 1] ?? '')
    return found
  }

  /** Every value: a field whose grammar is a list is cut at its commas, empty elements left out (`list.ts` keeps them for who must refuse them). */
  values(name: string): string[] {
    const sought = soughtName(name)
    const found: string[] = []
    for (let at = this.#find(sought, 0); at >= 0; at = this.#find(sought, at + 2)) {
      const value = this.list[at + 1] ?? ''
      if (!sought.isList) found.push(value)
      else for (const one of splitList(value)) if (one !== '') found.push(one)
    }
    return found
  }

  has(name: string): boolean {
    return this.#find(soughtName(name), 0) >= 0
  }

  /** One field of that name with this value, where the first one stood, or at the end. */
  set(name: string, value: string): void {
    refuse(name, value)
    const sought = soughtName(name)
    const at = this.#find(sought, 0)
    if (at < 0) {
      this.list.push(name, value)
      return
    }
    this.list[at + 1] = value
    this.#removeFrom(sought, at + 2)
  }

  append(name: string, value: string): void {
    refuse(name, value)
    this.list.push(name, value)
  }

  /** Above all others, as a Via, Route or Record-Route of ours is put. */
  prepend(name: string, value: string): void {
    refuse(name, value)
    this.list.unshift(name, value)
  }

  remove(name: string): void {
    this.#removeFrom(soughtName(name), 0)
  }

  copy(): Headers {
    return new Headers(this.list.slice())
  }

  #find(sought: SoughtName, from: number): number {
    const { list } = this
    for (let at = from; at < list.length; at += 2) if (isNamed(list[at] ?? '', sought)) return at
    return -1
  }

  #removeFrom(sought: SoughtName, from: number): void {
    for (let at = this.#find(sought, from); at >= 0; at = this.#find(sought, at)) this.list.splice(at, 2)
  }
}

/** CR, LF and NUL end a header field on the wire: what is said in another world must not become a field of its own in this one. */
function refuse(name: string, value: string): void {
  if (!TOKEN.test(name)) throw new HeaderError(`Not a header field name: ${JSON.stringify(name)}`)
  if (UNPRINTABLE.test(value)) throw new HeaderError(`CR, LF or NUL in the value of ${name}`)
}

export class SipRequest {
  constructor(
    readonly method: string,
    /** The Request-URI as written. */
    readonly uri: string,
    readonly headers: Headers,
    readonly body: Buffer,
  ) {}
}

export class SipResponse {
  constructor(
    readonly status: number,
    readonly reason: string,
    readonly headers: Headers,
    readonly body: Buffer,
  ) {}
}

const NO_BODY = Buffer.alloc(0)

/**
 * A response as `Serve` may give it: status, reason, and only the fields that are its own. Whoever sends it adds what echoes the request: see
 * `echo.ts` for the exact rule.
 */
export function response(status: number, reason?: string, headers?: readonly (readonly [string, string])[], body?: Buffer): SipResponse {
  const own = new Headers()
  if (headers) for (const [name, value] of headers) own.append(name, value)
  return new SipResponse(status, reason ?? reasonFor(status), own, body ?? NO_BODY)
}
