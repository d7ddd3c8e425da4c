/** What a SASL mechanism is to a stream (RFC 4422 §5): a conversation of messages that ends with a name or a SaslError. */

import type { ScramHash } from '../../account/credentials.ts'
import type { Jid } from '../../address/jid.ts'
import type { MaybePromise } from '../../core/port.ts'
import type { Credentials, ScramKeys } from '../../store/port.ts'

/** What a stream can be bound to (RFC 5056); its data is computed when asked for. */
export interface ChannelBinding {
  /** Those on offer. */
  readonly types: readonly string[]
  /** Undefined for a type that this channel has not. */
  data(type: string): Buffer | undefined
}

/** An account somebody wants to be: real credentials or, for a name nobody has, made-up ones that no password fits. */
export interface Claim {
  readonly jid: Jid
  readonly credentials: Credentials
  /** False for made-up credentials: the exchange goes its whole way and then fails like any other. */
  readonly genuine: boolean
}

/** What a mechanism may ask while somebody logs in. */
export interface Login {
  /** The one that is logged in to. */
  readonly domain: string
  readonly binding: ChannelBinding | undefined
  /** A -PLUS mechanism was on this stream's list, so a client that says it saw none was lied to (RFC 5802 §6). */
  readonly plusOffered: boolean
  /** The accounts of this domain that the client's certificate is for. */
  readonly certified: readonly Jid[]
  /** Takes the prepared user name; throws SaslError where too many guesses were wrong or the store does not answer. */
  claim(user: string): Promise<Claim>
  /** Whether the password fits, found on another thread; takes as long for made-up credentials. */
  verify(claim: Claim, password: string): Promise<boolean>
  /** Those of an account that has none for this hash look like real ones, and nothing fits them. */
  keysOf(claim: Claim, hash: ScramHash): ScramKeys
  /** MD5(user:realm:password); where none is kept, one that nothing fits. */
  digestMd5(claim: Claim): Buffer
  /** The password itself, for mechanisms that compute with it; where none is kept, one that nobody knows. */
  password(claim: Claim): Promise<string>
}

export type Turn =
  | { readonly kind: 'challenge'; readonly data: Buffer }
  | { readonly kind: 'success'; readonly jid: Jid; readonly data: Buffer | undefined }

export interface Exchange {
  /** The client's next message; throws SaslError to refuse. */
  take(message: Buffer): MaybePromise<Turn>
}

export interface Mechanism {
  readonly name: string
  /** Shows the password to whoever reads the stream. */
  readonly plain: boolean
  /** Needs a channel to bind to. */
  readonly plus: boolean
  /** Its first `take` may be of nothing: it speaks first. Of the others a stream asks the initial response that was left out, with an empty challenge. */
  readonly serverFirst: boolean
  begin(login: Login): Exchange
}
