/** What stands in bodies, in the order of their requests, as the elements of a stream (XEP-0206). */
import { NS_CLIENT } from '../../stanza/stanza.ts'
import type { Element } from '../../xml/element.ts'
import type { XmlLimits } from '../../xml/limits.ts'
import type { StreamHandler } from '../../xml/stream-parser.ts'
import { inNamespace } from '../content-namespace.ts'
import type { StreamReader } from '../framing.ts'
import { StreamError } from '../stream-error.ts'
import { headerIn, NS_BOSH, xbosh } from './body.ts'

interface Waiting {
  readonly what: Element | 'end'
  readonly isHeader: boolean
}

export class BodyReader implements StreamReader {
  /** Whether the next thing must be a header. */
  #isNew = true
  #isOver = false
  #isHeld = false
  #waiting: Waiting[] = []
  /** The body that the next chunk of bytes stands for: it has been read already, as its attributes say where it belongs. */
  #body: Element | undefined

  constructor(
    private readonly handler: StreamHandler,
    private limits: XmlLimits,
  ) {}

  get maxBytes(): number {
    return this.limits.stanzaMaxBytes
  }

  expect(body: Element): void {
    this.#body = body
  }

  /** What is framed is always a client's. */
  namespaceFor(prefix: string): string | undefined {
    return prefix === '' ? NS_CLIENT : undefined
  }

  push(): void {
    const body = this.#body
    this.#body = undefined
    if (!body || this.#isOver) return
    if (body.attr('sid') === undefined || isTrue(xbosh(body, 'restart'))) this.#waiting.push({ what: headerIn(body), isHeader: true })
    // XEP-0206 §5: what comes with a restart is ignored.
    else for (const one of body.elements()) this.#waiting.push({ what: inNamespace(one, NS_BOSH, NS_CLIENT), isHeader: false })
    if (body.attr('type') === 'terminate') this.#waiting.push({ what: 'end', isHeader: false })
    if (!this.#isHeld) this.#read()
  }

  hold(): void {
    this.#isHeld = true
  }

  resume(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#read()
  }

  takeRest(): undefined {
    return undefined
  }

  restart(limits: XmlLimits = this.limits): void {
    this.limits = limits
    this.#isNew = true
  }

  widen(limits: XmlLimits): void {
    this.limits = limits
  }

  #read(): void {
    while (!this.#isHeld && !this.#isOver) {
      const next = this.#waiting.shift()
      if (!next) return
      if (next.what === 'end') {
        this.#isOver = true
        return this.handler.streamClosed()
      }
      if (next.isHeader !== this.#isNew)
        throw new StreamError('bad-format', next.isHeader ? 'A stream does not begin again here' : 'Restart the stream first')
      this.#isNew = false
      if (next.isHeader) this.handler.streamOpened(next.what)
      else this.handler.elementArrived(next.what)
    }
  }
}

const isTrue = (text: string | undefined): boolean => text === 'true' || text === '1'
