/** What an account says of itself goes the way of every stanza: through the core's door. */
import type { Jid } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import { OK } from '../core/answer.ts'
import type { Answer, Core, MaybePromise } from '../core/port.ts'
import type { Making } from '../mapping/making.ts'
import { toSignal } from '../mapping/signal.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { addressed } from './presence-stanza.ts'

/** A device, or an account, that says something. */
export interface Speaker {
  readonly jid: Jid
  readonly uri: SipUri
}

export class Sending {
  constructor(
    readonly core: Pick<Core, 'submit'>,
    readonly making: Making,
  ) {}

  /** Never rejects. An address that SIP cannot write has no way, and what nobody asked for is answered to nobody. */
  send(presence: Element, from: Speaker, to: Jid, toUri: SipUri | undefined): MaybePromise<Answer> {
    try {
      return this.submit(addressed(presence, from.jid, to), from.uri, toUri)
    } catch (cause) {
      if (cause instanceof StanzaError) return OK
      throw cause
    }
  }

  /** Throws StanzaError for what cannot become a signal. */
  submit(stanza: Stanza, from: SipUri, to: SipUri | undefined): MaybePromise<Answer> {
    return this.core.submit(toSignal(stanza, this.making, to === undefined ? { from } : { from, to }))
  }
}
