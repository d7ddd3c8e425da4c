/** Which way a signal goes: the ways are asked in the order in which main registered them. */
import { PlainAnswer } from './answer.ts'
import type { Delivery, Signal, Target, Way } from './port.ts'

/** Nobody knows a way there: 404 to telephones, remote-server-not-found to XMPP senders. */
const NO_WAY = new PlainAnswer(404, 'No way to this domain is known', [], 'transport')
const NOWHERE: Target = { deliver: (): Delivery => NO_WAY }

export class Router {
  constructor(readonly ways: readonly Way[]) {}

  targetFor(signal: Signal): Target {
    for (const way of this.ways) {
      const target = way.targetFor(signal)
      if (target) return target
    }
    return NOWHERE
  }
}
