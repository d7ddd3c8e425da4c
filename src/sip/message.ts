/** SIP requests and responses as plain data (RFC 3261 §7), with or without a wire. The codec is in codec.ts. */

/** Header fields in order. Names compare without case and a compact form is its long one (RFC 3261 §7.3.3); values stay as they were written. */
export class Headers {
  /** name, value, name, value …, names as written. */
  readonly list: string[]

  constructor(list: string[] = []) {
    this.list = list
  }

  /** The first field of that name, its value as written. */
  get(name: string): string | undefined {
    throw new Error(`not built yet: ${name}`)
  }
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
