/** XMPP over WebSocket as text (RFC 7395 §3.3): each element is a document in a message of its own, and streams begin and end with open and close. */
import { NS_CLIENT } from '../../stanza/stanza.ts'
import { Element, el } from '../../xml/element.ts'
import type { XmlLimits } from '../../xml/limits.ts'
import { parseElement } from '../../xml/parse-element.ts'
import type { StreamHandler } from '../../xml/stream-parser.ts'
import { writeAlone } from '../../xml/write.ts'
import { XmlError } from '../../xml/xml-error.ts'
import type { StreamReader } from '../framing.ts'
import { NS_STREAM } from '../namespaces.ts'
import { StreamError } from '../stream-error.ts'

export const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'

/** Stands behind each message while several wait for the end of a turn: XML has no such character. */
export const END_OF_MESSAGE = '\0'

export const message = (xml: Element): string => writeAlone(xml) + END_OF_MESSAGE
export const opening = ({ attrs }: Element): string => message(new Element('open', NS_FRAMING, attrs, []))
export const CLOSING = message(el('close', NS_FRAMING))

export class FrameReader implements StreamReader {
  /** Whether a stream has begun that has not ended. */
  #isOpen = false
  #isOver = false
  #isHeld = false
  /** What came while it was held. */
  #waiting: Buffer[] = []
  #waitingBytes = 0

  constructor(
    private readonly handler: StreamHandler,
    private limits: XmlLimits,
    /** Called when the client is no stranger any more. */
    private readonly known: () => void,
  ) {}

  /** What is framed is always a client's (§3.3.3). */
  namespaceFor(prefix: string): string | undefined {
    return prefix === '' ? NS_CLIENT : undefined
  }

  push(frame: Buffer): void {
    if (this.#isOver) return
    if (!this.#isHeld) return this.#read(frame)
    this.#waitingBytes += frame.length
    if (this.#waitingBytes > this.limits.heldMaxBytes + this.limits.stanzaMaxBytes)
      throw new XmlError('policy-violation', 'Too much came where an answer was to be awaited')
    this.#waiting.push(frame)
  }

  hold(): void {
    this.#isHeld = true
  }

  resume(): void {
    this.#isHeld = false
    while (!this.#isHeld) {
      const frame = this.#waiting.shift()
      if (frame === undefined) return
      this.#waitingBytes -= frame.length
      this.push(frame)
    }
  }

  /** Asked for before STARTTLS, which nobody offers here. */
  takeRest(): undefined {
    return undefined
  }

  restart(limits: XmlLimits = this.limits): void {
    this.widen(limits)
    this.#isOpen = false
  }

  widen(limits: XmlLimits): void {
    this.limits = limits
    this.known()
  }

  #read(frame: Buffer): void {
    // Not allowed (§3.8), but there are clients that keep their connection alive with a blank.
    if (frame.length <= 2 && frame.toString('latin1').trim() === '') return
    try {
      this.#element(parseElement(frame.toString(), { limits: this.limits }))
    } catch (cause) {
      this.#isOver = true
      throw cause
    }
  }

  #element(xml: Element): void {
    if (xml.ns !== NS_FRAMING) {
      if (!this.#isOpen) throw new StreamError('bad-format', 'A stream begins with an open element')
      return this.handler.elementArrived(xml)
    }
    if (xml.name === 'close') {
      this.#isOver = true
      return this.handler.streamClosed()
    }
    if (xml.name !== 'open' || this.#isOpen) throw new StreamError('bad-format', `<${xml.name}/> does not belong here`)
    this.#isOpen = true
    this.handler.streamOpened(new Element('stream', NS_STREAM, xml.attrs, []))
  }
}
