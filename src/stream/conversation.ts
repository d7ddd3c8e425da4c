/** What a connection is told by those who use it: who talks on it, under which settings, and with which header. */
import type { Log } from '../log/log.ts'
import type { Element } from '../xml/element.ts'
import type { XmlLimits } from '../xml/limits.ts'
import type { Declared } from '../xml/write.ts'
import type { Connection } from './connection.ts'
import type { StreamLimits } from './limits.ts'
import type { TlsDoor } from './tls.ts'

/** What a stream does with what arrives on it. Throws StreamError to end it. */
export interface Conversation {
  /** A stream header, the first or one of a restart; `contentNs` is its default namespace. */
  opened(header: Element, contentNs: string): void
  element(xml: Element): void
  /** The stream is over, from either side, and nothing sent from now on would arrive. Called once. */
  ended(): void
}

/** What the connections of one listener share. */
export interface ConnectionSettings {
  readonly limits: StreamLimits
  /** For streams of strangers, and of those who have logged in. */
  readonly xml: { readonly strangers: XmlLimits; readonly known: XmlLimits }
  readonly log: Log
  /** The domain that speaks where a stream asked for none of ours (RFC 6120 §4.9.1.3). */
  readonly defaultDomain: string
  readonly tls: TlsDoor | undefined
  conversationOn(connection: Connection): Conversation
  /** The connection exists no more. */
  gone(connection: Connection): unknown
}

/** What our half of the stream says of itself (RFC 6120 §4.7); its id is new each time. */
export interface Header {
  readonly ns: string
  readonly from: string
  readonly to?: string | undefined
  /** Absent: 1.0; undefined: none, as streams of components have it (XEP-0114). */
  readonly version?: '1.0' | undefined
  /** Namespaces that have a prefix on this stream; absent: that of streams alone. */
  readonly prefixes?: Declared | undefined
}

export const versionOf = (header: Header): '1.0' | undefined => ('version' in header ? header.version : '1.0')
