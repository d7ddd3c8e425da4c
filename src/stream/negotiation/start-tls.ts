/** STARTTLS (RFC 6120 §5). */
import { toAscii } from '../../address/idna.ts'
import { type Element, el } from '../../xml/element.ts'
import type { ClientStream } from '../c2s.ts'
import { NS_TLS } from '../namespaces.ts'
import type { Step } from './step.ts'

const PROCEED = el('proceed', NS_TLS)
const FAILURE = el('failure', NS_TLS)
const OFFERED: readonly Element[] = [el('starttls', NS_TLS)]
const REQUIRED: readonly Element[] = [el('starttls', NS_TLS, {}, el('required', NS_TLS))]
const NOTHING: readonly Element[] = []

export const startTls = (stream: ClientStream): Step => new StartTls(stream)

class StartTls implements Step {
  constructor(private readonly stream: ClientStream) {}

  offers(): readonly Element[] {
    if (!this.#isOpen) return NOTHING
    return this.stream.domain?.requireTls ? REQUIRED : OFFERED
  }

  takes(xml: Element): boolean {
    return xml.is('starttls', NS_TLS)
  }

  take(): void {
    const { connection, domain } = this.stream
    // A certificate is asked for where one could log in by it: some clients bother their owner with the question.
    if (this.#isOpen && domain)
      return connection.startTls(PROCEED, toAscii(domain.name) ?? domain.name, domain.mechanisms.includes('EXTERNAL'))
    // §5.4.2.2: what was not offered fails, and the stream with it.
    connection.send(FAILURE)
    connection.close()
  }

  /** Not after a login: it would protect what has been said already (§5.3.4). */
  get #isOpen(): boolean {
    return this.stream.connection.canStartTls && this.stream.jid === undefined
  }
}
