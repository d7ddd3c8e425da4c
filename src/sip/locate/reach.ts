/** By which transports, and to which addresses, a stack can send: what it has no socket for is no hop. */
import { type NextHop, NoResponseError, type SipStack, type Transport } from '../port.ts'
import type { Reach } from './locator.ts'

/** Somebody anywhere, of either family, and somebody on this machine. */
const ANYBODY = ['192.0.2.1', '2001:db8::1', '127.0.0.1', '::1']

export function reachOf(stack: SipStack): Reach {
  const to = (hop: NextHop): boolean => {
    try {
      stack.localFor(hop)
      return true
    } catch (cause) {
      if (cause instanceof NoResponseError) return false
      throw cause
    }
  }
  return { only: () => stack.only, to, by: (transport: Transport) => ANYBODY.some((host) => to({ transport, host, port: 5_060 })) }
}
