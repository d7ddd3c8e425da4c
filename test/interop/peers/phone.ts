/** What every telephone driver can do, whatever program is behind it. */

export interface Line {
  /** The user part of its address, which is also its digest user name. */
  readonly user: string
  readonly domain: string
  readonly password: string
  /** Where the gateway listens on 127.0.0.1 for the transport below. */
  readonly gatewayPort: number
  readonly transport?: 'udp' | 'tcp' | 'tls'
}

/** The final response to a request a telephone sent. */
export interface Outcome {
  readonly status: number
  readonly reason: string
}

export interface Phone {
  /** Resolves when the registrar has said 200. */
  registered(): Promise<void>
  /** Sends a MESSAGE and resolves with its final response, after digest. */
  say(text: string): Promise<Outcome>
  /** Resolves with the sender's address when it has received that text. */
  hears(text: string, ms?: number): Promise<string>
  /** Unregisters and ends. */
  stop(): Promise<void>
}
