/** XMPP addresses (RFC 7622). */

/** Not an address; the message says which part is wrong and why. */
export class JidError extends Error {
  override name = 'JidError'
}

export class Jid {
  private constructor(
    readonly local: string | undefined,
    readonly domain: string,
    readonly resource: string | undefined,
  ) {}

  /** Prepared and enforced (UsernameCaseMapped, IDNA U-labels, OpaqueString); throws JidError. */
  static parse(_text: string): Jid {
    throw new Error('not built yet')
  }
}
