/**
 * What we use of sip.js: its user agent core with the transactions of RFC 3261 §17. Its parser, 1.1 ms a message, is left out: messages are read and
 * printed by our own codec, and sip.js is told of each what a transaction goes by. So one core serves all accounts, whose requests it
 * would otherwise refuse: it knows one address-of-record.
 */
import {
  IncomingRequestMessage,
  IncomingResponseMessage,
  LoggerFactory,
  NonInviteClientTransaction,
  OutgoingRequestMessage,
  type Transport,
  URI,
  UserAgentCore,
} from 'sip.js/lib/core/index.js'
import type { SipRequest, SipResponse } from '../message.ts'
import { tagOf } from '../name-addr.ts'

/** sip.js takes and gives text; each character is one byte of the message, so that no body is damaged on the way. */
export const ONE_BYTE = 'latin1'

/** Stands where sip.js wants an address and never uses it. */
const NOBODY = new URI('sip', '', 'stoxgate.invalid')

/** `transport`: sends what a transaction wants sent; its promise rejects where it cannot. */
export function newCore(transport: Transport): UserAgentCore {
  const loggerFactory = new LoggerFactory()
  // It writes to the console otherwise.
  loggerFactory.builtinEnabled = false
  return new UserAgentCore({
    aor: NOBODY,
    contact: { uri: NOBODY, pubGruu: undefined, tempGruu: undefined, toString: () => '' },
    displayName: '',
    loggerFactory,
    hackViaTcp: false,
    routeSet: [],
    sipjsId: '',
    supportedOptionTags: [],
    supportedOptionTagsResponse: [],
    userAgentHeaderFieldValue: undefined,
    viaForceRport: false,
    viaHost: NOBODY.host,
    // Who has the password answers challenges: core/pbx.
    authenticationFactory: () => undefined,
    transportAccessor: () => transport,
  })
}

/** A request that is printed already, its Via included. */
export class PrintedRequest extends OutgoingRequestMessage {
  readonly #text: string

  constructor(method: string, branch: string, bytes: Buffer) {
    super(method, NOBODY, NOBODY, NOBODY, { callId: '-' })
    this.branch = branch
    this.#text = bytes.toString(ONE_BYTE)
  }

  override setViaHeader(): void {}

  override toString(): string {
    return this.#text
  }
}

/** Named by the branch that is in its request's Via: those of sip.js itself are one of ten million, and repeat within some thousand messages. */
export class UniqueTransaction extends NonInviteClientTransaction {
  override get id(): string {
    // Asked for before the constructor of the class below has the request.
    const request: { readonly branch: string | undefined } | undefined = this.request
    return request?.branch ?? super.id
  }
}

/** A request as a server transaction wants to know it. `branch`: of its top Via. */
export function incomingRequest({ method, headers }: SipRequest, branch: string): IncomingRequestMessage {
  const message = new IncomingRequestMessage()
  message.method = method
  message.viaBranch = branch
  message.toTag = tagOf(headers.get('to') ?? '') ?? ''
  return message
}

/** A response as the client transaction of its branch wants to know it. */
export function incomingResponse({ status, reason }: SipResponse, branch: string, method: string): IncomingResponseMessage {
  const message = new IncomingResponseMessage()
  message.statusCode = status
  message.reasonPhrase = reason
  message.method = method
  message.viaBranch = branch
  return message
}
