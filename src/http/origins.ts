/** Which pages may use the web server from a browser (RFC 6454, and the CORS protocol of Fetch). */
import type { IncomingHttpHeaders } from 'node:http'

/**
 * Nothing here knows a browser by a cookie, so a page can do nothing in a visitor's name that the visitor's password has not been given to it for:
 * any page may connect unless the operator names those that may.
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>

  /** Origins as browsers write them, `https://chat.example`; none: any. */
  constructor(allowed: readonly string[]) {
    this.#allowed = new Set(allowed)
  }

  /** Only browsers name an origin, and only those can be kept out by it. */
  permits({ origin }: IncomingHttpHeaders): boolean {
    return origin === undefined || this.#allowed.size === 0 || this.#allowed.has(origin)
  }

  /** The headers that let a page read the answer. */
  headers(request: IncomingHttpHeaders): Readonly<Record<string, string>> {
    if (this.#allowed.size === 0) return { 'Access-Control-Allow-Origin': '*' }
    const { origin } = request
    return origin !== undefined && this.#allowed.has(origin)
      ? { 'Access-Control-Allow-Origin': origin, Vary: 'Origin' }
      : { Vary: 'Origin' }
  }
}
