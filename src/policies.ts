/** What may be told to whom, as the rooms are joined: peers that carry our header, and those that must not see it. */
import { type HopPolicy, RefusedError, type Signal } from './core/port.ts'
import { answerFor } from './mapping/answer.ts'
import type { Making } from './mapping/making.ts'
import { toSignal } from './mapping/signal.ts'
import { toStanza } from './mapping/stanza.ts'
import type { SipStack, StackLimits } from './sip/port.ts'
import { StanzaError } from './stanza/error.ts'

/** Towards peers that carry our header, and towards those that must not see it. */
export const TRUSTED: HopPolicy = {
  xmppData: 'header',
  xmppDataHeaderBytes: 8_000,
  fullXmppData: false,
  fromGruu: true,
  maxMessageBytes: 1_048_576,
}
export const STRANGERS: HopPolicy = { ...TRUSTED, xmppData: 'off', fromGruu: false }

/** What goes through a stack that takes less than SIP allows. */
export function fitting<P extends StackLimits>(policy: P, { limits }: SipStack): P {
  if (!limits) return policy
  return {
    ...policy,
    xmppDataHeaderBytes: Math.min(policy.xmppDataHeaderBytes, limits.xmppDataHeaderBytes),
    maxMessageBytes: Math.min(policy.maxMessageBytes, limits.maxMessageBytes),
  }
}

/** What came with a stanza in its P-XMPP-Data, as it looks to somebody who must not see that field. Throws RefusedError. */
export function remade(signal: Signal, making: Making): Signal {
  const { arrival, from, to, maxForwards } = signal
  try {
    return toSignal(toStanza(signal, making), making, { arrival, from, to, maxForwards })
  } catch (cause) {
    if (!(cause instanceof StanzaError)) throw cause
    const { status, reason } = answerFor(cause, signal)
    throw new RefusedError(status, reason)
  }
}
