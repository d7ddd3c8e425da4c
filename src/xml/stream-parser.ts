/** An XML stream in XMPP's subset (RFC 6120 §4, §11), fed with the bytes of a connection however they are cut. */
import { Carry } from './carry.ts'
import { isSpace } from './characters.ts'
import type { Element } from './element.ts'
import { XML_LIMITS, type XmlLimits } from './limits.ts'
import { checkFirstBytes, declarationEnd } from './prolog.ts'
import { TreeReader } from './tree-reader.ts'
import { decode, wholeCharacters } from './utf8.ts'
import { XmlError } from './xml-error.ts'

/** What a connection learns. It may call hold, takeRest, resume and restart of the parser from inside. */
export interface StreamHandler {
  /** The stream header, without children. The default namespace it declares is `parser.namespaceFor('')`. */
  streamOpened(root: Element): void
  /** A whole element of the first level: a stanza, or one of negotiation. */
  elementArrived(element: Element): void
  /** The end tag of the stream. What follows it is dropped. */
  streamClosed(): void
}

/**
 * Bytes that are decoded at once. Strings of a tree are slices of what was decoded: whoever keeps a stanza for long keeps at most two of these
 * with it (see detached.ts); and a stanza beyond its limit is noticed at the latest after one of them.
 */
const WINDOW_BYTES = 8_192

/**
 * `first`: nothing has come. `again`: nothing of the next stream on this connection has come; white space before its XML declaration still
 * belongs to the one before. `prolog`: no declaration may come any more. `over`: closed, or refused.
 */
type Phase = 'first' | 'again' | 'prolog' | 'stream' | 'over'

export class StreamParser {
  readonly #handler: StreamHandler
  #limits: XmlLimits
  #reader: TreeReader
  readonly #carry = new Carry()
  #phase: Phase = 'first'
  #isHeld = false
  /** Bytes of the element that is being read which came in earlier windows and are not in the carry. */
  #size = 0

  // While a window is read; a handler that looks for the rest finds it here.
  #window: Buffer | undefined = undefined
  #text = ''
  /** In #text: where reading goes on. */
  #next = 0
  /** What came together with the window and follows it. */
  #following: Buffer | undefined = undefined

  constructor(handler: StreamHandler, limits: XmlLimits = XML_LIMITS) {
    this.#handler = handler
    this.#limits = limits
    this.#reader = new TreeReader(limits)
  }

  /** What a prefix stands for in the stream header, '' being the default namespace. To be asked between elements. */
  namespaceFor(prefix: string): string | undefined {
    return this.#reader.namespaceFor(prefix)
  }

  /** Throws XmlError once; after that, as after the end of the stream, everything is dropped. */
  push(chunk: Buffer): void {
    if (this.#phase === 'over') return
    if (!this.#isHeld) return this.#read(chunk)
    if (this.#carry.length + chunk.length > this.#limits.heldMaxBytes) {
      this.#end()
      throw new XmlError('policy-violation', `More than ${this.#limits.heldMaxBytes} bytes where an answer was to be awaited`)
    }
    this.#carry.add(chunk)
  }

  /** A new stream begins on this connection (RFC 6120 §4.3.3), with what is there already as its first bytes. */
  restart(limits: XmlLimits = this.#limits): void {
    this.#limits = limits
    this.#reader = new TreeReader(limits)
    this.#carry.expect('any')
    this.#phase = 'again'
    this.#size = 0
  }

  /** Whoever speaks is known by now, and may say longer things; the stream goes on. */
  widen(limits: XmlLimits): void {
    this.#limits = limits
  }

  /** Nothing is read after the element that was delivered last. What comes is kept, up to `heldMaxBytes`. */
  hold(): void {
    this.#isHeld = true
  }

  /** Hands over what has come and is not read yet: after <starttls/> it must not be read as if TLS had protected it. */
  takeRest(): Buffer | undefined {
    this.#stop()
    return this.#carry.take()
  }

  /** Goes on reading; throws as push does. */
  resume(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    if (this.#window !== undefined) return // called by the handler: push is still at work
    const rest = this.#carry.take()
    if (rest !== undefined && this.#phase !== 'over') this.#read(rest)
  }

  #read(chunk: Buffer): void {
    try {
      let rest: Buffer | undefined = chunk
      while (rest !== undefined && this.#phase !== 'over') {
        const isLast: boolean = rest.length <= WINDOW_BYTES
        this.#following = isLast ? undefined : rest.subarray(WINDOW_BYTES)
        this.#readWindow(isLast ? rest : rest.subarray(0, WINDOW_BYTES))
        rest = this.#following
      }
    } catch (cause) {
      this.#end()
      throw cause
    }
  }

  #readWindow(fresh: Buffer): void {
    let bytes = fresh
    if (this.#carry.length > 0) {
      this.#carry.add(fresh)
      if (!this.#carry.isReady()) return this.#checkSize(this.#carry.length)
      bytes = this.#carry.take() ?? fresh
    } else if (this.#phase === 'stream' && !this.#reader.isInside && isBlank(fresh)) return
    const whole = wholeCharacters(bytes)
    this.#text = decode(whole === bytes.length ? bytes : bytes.subarray(0, whole))
    this.#next = 0
    this.#window = bytes
    while (this.#window !== undefined) this.#step(bytes)
    this.#text = ''
  }

  /** Reads to the next thing the handler is to know, or to the end of the window. */
  #step(window: Buffer): void {
    if (this.#isHeld) return this.#stop()
    if (this.#phase !== 'stream' && !this.#readProlog(window)) return this.#keepRest()
    const reader = this.#reader
    const reached = reader.read(this.#text, this.#next)
    this.#next = reader.next
    if (reached === 'starved') {
      this.#size = reader.isInside ? this.#size + this.#bytesBetween(window, reader.start, reader.next) : 0
      this.#keepRest()
      this.#carry.expect(reader.awaiting)
      return this.#checkSize(this.#carry.length)
    }
    const element = reader.element
    reader.element = undefined
    if (reached === 'element') {
      if (this.#size + window.length > this.#limits.stanzaMaxBytes) this.#checkSize(this.#bytesBetween(window, reader.start, reader.next))
      this.#size = 0
      if (element !== undefined) this.#handler.elementArrived(element)
    } else if (reached === 'root-opened') {
      this.#phase = 'stream'
      if (element !== undefined) this.#handler.streamOpened(element)
    } else {
      this.#end()
      this.#handler.streamClosed()
    }
  }

  /** Answers whether the stream header may be read. */
  #readProlog(window: Buffer): boolean {
    const text = this.#text
    if (this.#phase === 'first') checkFirstBytes(window)
    if (this.#phase === 'again') while (this.#next < text.length && isSpace(text.charCodeAt(this.#next))) this.#next++
    if (this.#phase !== 'prolog' && this.#next < text.length) {
      const end = declarationEnd(text, this.#next)
      if (end < 0) return false
      this.#next = end
      this.#phase = 'prolog'
    }
    return true
  }

  /** Moves what is not read of this window to the carry. */
  #keepRest(): void {
    const window = this.#window
    this.#window = undefined
    if (window === undefined) return
    const read =
      this.#text.length === window.length ? this.#next : wholeCharacters(window) - Buffer.byteLength(this.#text.slice(this.#next))
    if (read < window.length) this.#carry.add(window.subarray(read))
  }

  /** Moves all that is not read to the carry. */
  #stop(): void {
    this.#keepRest()
    if (this.#following !== undefined) this.#carry.add(this.#following)
    this.#following = undefined
  }

  #bytesBetween(window: Buffer, from: number, to: number): number {
    return this.#text.length === window.length ? to - from : Buffer.byteLength(this.#text.slice(from, to))
  }

  #checkSize(more: number): void {
    const { stanzaMaxBytes, headerMaxBytes } = this.#limits
    if (this.#phase === 'stream') {
      if (this.#size + more > stanzaMaxBytes) throw new XmlError('policy-violation', `A stanza of more than ${stanzaMaxBytes} bytes`)
    } else if (more > headerMaxBytes) throw new XmlError('policy-violation', `A stream header of more than ${headerMaxBytes} bytes`)
  }

  #end(): void {
    this.#phase = 'over'
    this.#window = undefined
    this.#following = undefined
    this.#text = ''
    this.#carry.take()
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (!isSpace(byte)) return false
  return true
}
