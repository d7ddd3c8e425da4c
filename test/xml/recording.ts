/** A connection that writes down what a stream parser tells it. */
import type { Element } from '../../src/xml/element.ts'
import type { XmlLimits } from '../../src/xml/limits.ts'
import { type StreamHandler, StreamParser } from '../../src/xml/stream-parser.ts'
import { write } from '../../src/xml/write.ts'
import { XmlError } from '../../src/xml/xml-error.ts'

export const HEADER =
  "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='capulet.example' version='1.0'>"

export class Recording implements StreamHandler {
  readonly parser: StreamParser
  readonly elements: Element[] = []
  /** What happened, in order; elements as XML. */
  readonly events: string[] = []
  root: Element | undefined
  isClosed = false
  /** Called for each element before it is written down. */
  onElement: (element: Element) => void = () => undefined

  constructor(limits?: XmlLimits) {
    this.parser = new StreamParser(this, limits)
  }

  streamOpened(root: Element): void {
    this.root = root
    this.events.push(`opened ${write(root, '')}`)
  }

  elementArrived(element: Element): void {
    this.elements.push(element)
    this.events.push(write(element, 'jabber:client'))
    this.onElement(element)
  }

  streamClosed(): void {
    this.isClosed = true
    this.events.push('closed')
  }

  push(...chunks: (string | Buffer)[]): this {
    for (const chunk of chunks) this.parser.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    return this
  }
}

/** A stream whose header has been read. */
export function opened(limits?: XmlLimits): Recording {
  return new Recording(limits).push(HEADER)
}

/** The refusal of what is pushed or parsed; fails where there is none. */
export function refusal(attempt: () => unknown): XmlError {
  try {
    attempt()
  } catch (cause) {
    if (cause instanceof XmlError) return cause
    throw cause
  }
  throw new Error('it was accepted')
}

export function* pieces(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
