/** Resource binding (RFC 6120 §7), and the session of RFC 3921 that is offered beside it and does nothing. */
import { randomUUID } from 'node:crypto'
import { Jid, JidError } from '../../address/jid.ts'
import { CONDITIONS, type Condition, NS_STANZAS } from '../../stanza/error.ts'
import { NS_CLIENT } from '../../stanza/stanza.ts'
import { type Element, el } from '../../xml/element.ts'
import type { ClientStream } from '../c2s.ts'
import { NS_BIND, NS_SESSION } from '../namespaces.ts'
import { StreamError } from '../stream-error.ts'
import { bind } from './bind.ts'
import type { Step } from './step.ts'

const NOTHING: readonly Element[] = []
const OFFERS: readonly Element[] = [el('bind', NS_BIND), el('session', NS_SESSION, {}, el('optional', NS_SESSION))]

export const bindResource = (stream: ClientStream): Step => new BindResource(stream)

class BindResource implements Step {
  #failures = 0

  constructor(private readonly stream: ClientStream) {}

  offers(): readonly Element[] {
    return this.stream.jid ? OFFERS : NOTHING
  }

  takes(xml: Element): boolean {
    return this.stream.jid !== undefined && xml.is('iq', NS_CLIENT) && xml.child('bind', NS_BIND) !== undefined
  }

  take(iq: Element): void {
    const { jid: account } = this.stream
    const id = iq.attr('id')
    if (!account || id === undefined || iq.attr('type') !== 'set')
      return this.#refuse(iq, 'bad-request', 'Binding is an iq of type set with an id')
    const jid = this.#jid(account, iq.child('bind', NS_BIND)?.child('resource')?.text())
    if (!jid) return this.#refuse(iq, 'bad-request', 'This is not a resource')
    const { connection, rooms } = this.stream
    if (!bind(this.stream, jid))
      return this.#refuse(iq, 'resource-constraint', `This account has ${rooms.limits.sessionsPerAccount} connections already`)
    connection.send(el('iq', NS_CLIENT, { type: 'result', id }, el('bind', NS_BIND, {}, el('jid', NS_BIND, {}, jid.toString()))))
  }

  #jid(account: Jid, wanted: string | undefined): Jid | undefined {
    try {
      return Jid.of(account.local, account.domain, wanted || randomUUID())
    } catch (cause) {
      if (cause instanceof JidError) return undefined
      throw cause
    }
  }

  #refuse(iq: Element, condition: Condition, text: string): void {
    const error = el(
      'error',
      NS_CLIENT,
      { type: CONDITIONS[condition] },
      el(condition, NS_STANZAS),
      el('text', NS_STANZAS, { 'xml:lang': 'en' }, text),
    )
    this.stream.connection.send(el('iq', NS_CLIENT, { type: 'error', id: iq.attr('id') }, error))
    this.#failures++
    if (this.#failures >= this.stream.rooms.limits.bindAttempts)
      throw new StreamError('policy-violation', 'Too many resources were refused')
  }
}
