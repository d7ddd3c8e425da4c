/** SIP URIs (RFC 3261 §19.1). */

export class SipUriError extends Error {
  override name = 'SipUriError'
}

export class SipUri {
  private constructor(
    readonly scheme: 'sip' | 'sips',
    readonly user: string | undefined,
    readonly host: string,
  ) {}
}
