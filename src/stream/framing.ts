/** How elements travel: over TCP as one long document (RFC 6120 §4), over WebSocket each in a frame (RFC 7395), over BOSH in bodies (XEP-0124). */
import type { Element } from '../xml/element.ts'
import type { XmlLimits } from '../xml/limits.ts'
import { type StreamHandler, StreamParser } from '../xml/stream-parser.ts'
import { type Declared, openTag, STREAM_PREFIX, write, XML_DECLARATION } from '../xml/write.ts'
import type { TlsBinding } from './channel-binding.ts'

/** Makes elements of what arrives. StreamParser is the first of them, and says what each method means. */
export interface StreamReader {
  namespaceFor(prefix: string): string | undefined
  push(chunk: Buffer): void
  hold(): void
  resume(): void
  takeRest(): Buffer | undefined
  restart(limits?: XmlLimits): void
  widen(limits: XmlLimits): void
}

/** TLS below what carries a stream, ours or that of a proxy we trust. */
export interface Protection {
  /** Undefined where a login cannot be bound to it. */
  readonly binding: TlsBinding | undefined
}

export interface Framing {
  reader(handler: StreamHandler, limits: XmlLimits): StreamReader
  /** Our header; `ns` is its content namespace, `prefixes` what it declares beside it. */
  opening(header: Element, ns: string, prefixes?: Declared): string
  /** A first-level element of a stream with that content namespace. */
  element(xml: Element, ns: string, prefixes?: Declared): string
  readonly closing: string
}

export const DOCUMENT: Framing = {
  reader: (handler, limits) => new StreamParser(handler, limits),
  opening: (header, ns, prefixes) => XML_DECLARATION + openTag(header, ns, prefixes),
  element: (xml, ns, prefixes = STREAM_PREFIX) => write(xml, ns, prefixes),
  closing: '</stream:stream>',
}
