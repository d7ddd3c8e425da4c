/** A signal as a stanza: the one it was made from, or one made from the request that came off a wire. */
import type { Signal } from '../core/port.ts'
import { RefusedError } from '../core/port.ts'
import { Stanza } from '../stanza/stanza.ts'
import { jidOf } from './honoured.ts'
import type { Making } from './making.ts'
import { presenceOf } from './presence/sip-to-presence.ts'
import { StanzaSignal } from './signal.ts'
import { iqOf } from './sip-to-iq.ts'
import { messageOf } from './sip-to-message.ts'

/** Throws RefusedError where there is no such stanza. */
export function toStanza(signal: Signal, making: Making): Stanza {
  const { origin } = signal
  if (origin instanceof Stanza) {
    if (signal instanceof StanzaSignal && signal.isAsAddressed) return origin
    const to = jidOf(signal.to, 404)
    return to.equals(origin.to) ? origin : new Stanza(origin.xml.withAttr('to', to.toString()), origin.from, to)
  }
  const { received } = signal
  if (!received) throw new Error(`a ${signal.method} without a stanza and without a request`)
  if (signal.method === 'MESSAGE') return messageOf(signal, received, making)
  if (signal.method === 'INFO') return iqOf(signal, received)
  if (signal.method === 'SUBSCRIBE' || signal.method === 'NOTIFY') return presenceOf(signal, received, making)
  throw new RefusedError(405, 'Method Not Allowed', [['Allow', 'MESSAGE, SUBSCRIBE, NOTIFY, INFO, OPTIONS']])
}
