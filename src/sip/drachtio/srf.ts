/** What we use of drachtio-srf, in types of our own: those it ships lack half of this and misstate some of the rest. */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

/** Header fields as drachtio-srf takes them: a name once. */
export type Fields = Record<string, string>

export interface RequestOptions {
  readonly method: string
  readonly headers: Fields
  readonly body: string
  /** Where it goes next; the Route fields do not count. */
  readonly proxy?: string
  /** The dialog it is part of: then the server fills in all that belongs to the dialog. */
  readonly stackDialogId?: string
}

/** A message the server passed on: `raw` is its whole text. */
interface Passed {
  readonly raw: string
  /** '' where the server made the message itself. */
  readonly source_address: string
  readonly source_port: number
  readonly protocol: string
}

/** A request from the network. */
export interface SrfRequest extends Passed {
  readonly method: string
  /** `host:port` of the server where it arrived. */
  readonly receivedOn?: string
  on(event: 'response', listener: (response: SrfResponse) => void): unknown
}

/** A response from the network. */
export interface SrfResponse extends Passed {
  readonly status: number
}

/** The answer to a request from the network, before it is sent. */
export interface SrfAnswer {
  /** Those that tie it to its request are there already. */
  readonly headers: Fields
  body: string
  /** Throws for a status it does not know. */
  send(status: number, reason: string, options: object, sent: (failure?: unknown) => void): void
}

export type Middleware = (request: SrfRequest, answer: SrfAnswer) => void

interface Wire {
  on(event: 'connect', listener: (socket: Socket) => void): unknown
  send(socket: Socket, text: string): string
}

export interface Srf {
  on(
    event: 'connect',
    listener: (failure: unknown, hostPorts?: string, version?: string | null, localHostPorts?: string | null) => void,
  ): unknown
  on(event: 'error', listener: (failure: unknown) => void): unknown
  on(event: 'close', listener: () => void): unknown
  use(method: string, middleware: Middleware): unknown
  connect(options: {
    host: string
    port: number
    secret: string
    reconnect: { maxAttempts: number; retryMaxDelay: number | null }
  }): unknown
  /** Throws at once where there is no connection. `made` hears of the response frame, which may never come. */
  request(uri: string, options: RequestOptions, made: (failure: Error | null | undefined, request?: SrfRequest) => void): unknown
  /** Its connections, which it does not show otherwise. */
  readonly app: { readonly client: { readonly wp: Wire } }
}

let loaded: (new () => Srf) | undefined

/** The library is only loaded for who has a drachtio server: it and what it needs are a tenth of a second at the start. */
export function newSrf(): Srf {
  loaded ??= load()
  return new loaded()
}

// It is CommonJS.
function load(): new () => Srf {
  return createRequire(import.meta.url)('drachtio-srf')
}
