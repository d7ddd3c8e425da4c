/** What puts requests on the wire. Every adapter passes the sections of test/contract/sip-stack that it claims. */
import type { SipRequest, SipResponse } from './message.ts'

export type Transport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** Where a request goes next, or came from: one transport address. */
export interface NextHop {
  readonly transport: Transport
  readonly host: string
  readonly port: number
  /** The connection to use as long as it lives (RFC 5626 flow), as the stack named it when a request came through it. */
  readonly flow?: string
  /** The domain whose certificate must be shown there (RFC 5922 §4); absent: `host`. Of use for a new connection under TLS. */
  readonly name?: string
  /** What DNS says of it beside others of its name (RFC 2782): the lower, the sooner. */
  readonly priority?: number
}

/** A request as it came off the wire, its top Via completed with `received` and `rport`. */
export interface Received {
  readonly request: SipRequest
  readonly from: NextHop
  /** Where it was received: our own side. */
  readonly local: NextHop
  /** The SIP domains that the sender's certificate names, where it had one and that was verified (RFC 5922 §7.1). */
  readonly identity?: readonly string[] | undefined
}

/** One way a forwarded request takes (RFC 3261 §16.5): where its copy goes, and the route set that leads there. */
export interface Branch {
  /** The copy's Request-URI: a contact, or the address as it came. */
  readonly uri: string
  /** Route fields above those the request has, topmost first (Path, RFC 3327). */
  readonly route: readonly string[]
  readonly hop: NextHop
  /** Tried in order where nobody is at `hop`: it cannot be reached, says nothing, or answers 430, or 503 where it is no account's (RFC 3263 §4.3, RFC 5626 §7). */
  readonly others?: readonly Branch[]
  /** The account of ours that rings there: its address-of-record. */
  readonly aor?: string
}

/**
 * The other thing `Serve` may say: let the stack's stateful proxy have the transaction (RFC 3261 §16). Forking, provisional responses, CANCEL, ACK,
 * Record-Route, the best response and the requests of the dialog that follows are its own.
 */
export class Forward {
  constructor(
    /** As it goes on: credentials that were for us are gone, Max-Forwards is one less. */
    readonly request: SipRequest,
    readonly branches: readonly Branch[],
    /** The account of ours that calls: its address-of-record. */
    readonly callerAor?: string,
    /** Absent: a 3xx is the caller's to follow. */
    readonly guide?: Guide,
  ) {}
}

/** What the proxy asks, and tells, of its branches on the way. */
export interface Guide {
  /** Which contacts of a 3xx it may try itself (RFC 3261 §16.5, §16.7 step 4), best first in and out. None: the caller hears the 3xx. Never rejects for what a contact says. */
  follow?(contacts: readonly string[]): Promise<readonly Branch[]>
  /** Nobody is there: `failure` is what kept it from being there, or the 430 or 503 it said. */
  failed?(branch: Branch, failure: 'timeout' | 'transport' | SipResponse): void
}

/** What an account of ours does in one call that the stack's proxy carries, in the words of RFC 4235. Each is a new object; `id` stays. */
export interface AccountCall {
  /** Unique among the calls of all accounts, and the same from the first word to the last. */
  readonly id: string
  /** The account: its address-of-record. */
  readonly aor: string
  readonly direction: 'initiator' | 'recipient'
  /** `early`: it rings (there, or here); `confirmed`: it was answered. An account has as many as it has calls. */
  readonly state: 'early' | 'confirmed' | 'terminated'
  /** Why it is `terminated` (RFC 4235 §4.1.2); absent in other states. */
  readonly ended?: 'cancelled' | 'rejected' | 'local-bye' | 'remote-bye' | 'timeout' | 'error'
  readonly callId: string
  /** The account's own tag; a recipient has one as soon as one of its telephones has said it. */
  readonly localTag: string | undefined
  readonly remoteTag: string | undefined
  /** Who is at the other side, as From or To named them; `name` is what is to be shown. */
  readonly remote: { readonly uri: string; readonly name: string | undefined }
  /** When it came into this state, in milliseconds of the epoch. */
  readonly since: number
}

/** Hears of calls. Called in the middle of signalling: it returns at once and does not throw. */
export interface CallWatch {
  changed(call: AccountCall): void
}

export type Serve = (received: Received) => SipResponse | Forward | Promise<SipResponse | Forward>

/** One line for each socket: what `listening WHAT ADDRESS:PORT` prints. */
export interface Listening {
  readonly what: string
  readonly address: string
  readonly port: number
}

/** What an adapter claims; `stoxgate check` names what a configured one lacks, and the contract suite runs what it claims. */
export interface Abilities {
  /** Whose affair dialog state is: ours, or the stack's with its server. */
  readonly dialogs: 'ours' | 'stack'
  /** Takes a Forward. */
  readonly proxy: boolean
  /** Methods that reach `serve`. */
  readonly serves: ReadonlySet<string>
}

/** What fits through a stack whose own server takes less than SIP would; requests are made to fit. */
export interface StackLimits {
  /** Bytes of P-XMPP-Data over all header fields together. */
  readonly xmppDataHeaderBytes: number
  /** Bytes of a whole message. */
  readonly maxMessageBytes: number
}

/** How a stack stands with the server it needs. */
export interface Connection {
  readonly state: 'connected' | 'away'
  /** In milliseconds of the epoch. */
  readonly since: number
  /** Attempts that failed since it was last connected. */
  readonly retries: number
  /** Why it is away, for people. */
  readonly why: string | undefined
}

export interface SipStack {
  readonly can: Abilities
  /** Absent: what SIP allows. */
  readonly limits?: StackLimits
  /** Absent: it needs no other program. */
  readonly connection?: Connection
  /** The one element it is connected to, which nothing has to be looked up for: nobody else can be reached. Absent: whoever can be located. */
  readonly only?: NextHop
  /** `returned` hears when that one was lost and is there again: what was registered through the connection went with it. */
  start(serve: Serve, returned?: () => void): Promise<readonly Listening[]>
  /**
   * Tells of the calls that its proxy carries from now on, each until `terminated`; one listener, the last who asked. Absent: it carries none. Where nobody has asked,
   * nothing is kept of a call that was answered. A restart ends the knowledge, not the call.
   */
  watchCalls?(watch: CallWatch): void
  /**
   * One request outside an INVITE dialog; resolves with the final response, rejects with NoResponseError. The stack adds Via and Content-Length
   * and, above 1300 bytes towards UDP, goes by TCP to the same address (RFC 3261 §18.1.1).
   */
  send(request: SipRequest, hop: NextHop): Promise<SipResponse>
  /**
   * Answers keep-alives (RFC 5626 §4.4, §5.4) and tells when a flow is dead: its connection has ended, or its peer has sent them and then nothing at all for `silentMs`.
   * For `lifeMs` at most, and once; asked again, the later one counts. Absent: flows are nothing this stack knows.
   */
  watchFlow?(hop: NextHop, silentMs: number, lifeMs: number, ended: () => void): void
  /** host:port of ours that this hop can reach, for Contact and Record-Route. */
  localFor(hop: NextHop): NextHop
  /** Refuses new requests, lets running transactions end for at most `graceMs`, then closes every socket. */
  stop(graceMs?: number): Promise<void>
}

/** Timer F fired (`timeout`), or nothing could be sent (`transport`): RFC 3261 §8.1.3.1. */
export class NoResponseError extends Error {
  constructor(
    readonly why: 'timeout' | 'transport',
    message: string,
  ) {
    super(message)
    this.name = 'NoResponseError'
  }
}
