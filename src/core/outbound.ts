/** What a REGISTER says of its flow (RFC 5626 §6): whether it counts, and what is promised to who keeps it alive. */
import type { SipUri } from '../address/sip-uri.ts'
import type { NameAddr } from '../sip/name-addr.ts'
import type { NextHop, Received, Transport } from '../sip/port.ts'
import { RefusedError } from './port.ts'

/** Flows of one telephone: §4.2.1 has two; who moves between networks leaves one or two behind. */
export const FLOWS_MAX = 4

/**
 * Seconds between two keep-alives (§4.4): over connections the 120 that §4.4.1 has anyway; over UDP what keeps an address translator open that forgets after half a
 * minute. None over WebSocket, where scripts cannot ping and we do.
 */
const FLOW_TIMER: Readonly<Partial<Record<Transport, number>>> = { udp: 30, tcp: 120, tls: 120 }
/** §5.4: what is on its way still, and what was lost once. */
const GRACE_SECONDS = 30

/** What a stack does that can tell when a flow is dead. */
export interface Flows {
  watchFlow(hop: NextHop, silentMs: number, lifeMs: number, ended: () => void): void
}

const MAX_REG_ID = 2 ** 31

/** The flow's number in its instance; undefined where it is none of RFC 5626. Throws RefusedError. */
export function regIdOf(received: Received, contacts: readonly NameAddr[], contact: NameAddr): number | undefined {
  const text = contact.params.get('reg-id')
  if (text === undefined || contact.params.get('+sip.instance') === undefined) return undefined
  const regId = Number(text)
  if (!/^\d{1,10}$/.test(text) || regId < 1 || regId >= MAX_REG_ID) throw new RefusedError(400, `Contact: ${text} is no reg-id`)
  const { headers } = received.request
  if (!headers.values('Supported').some((tag) => tag.toLowerCase() === 'outbound')) return undefined
  if (!isDirect(received) && !headers.values('Path').some((path) => /;ob(?:[=;>]|$)/i.test(path)))
    throw new RefusedError(439, 'First Hop Lacks Outbound Support')
  if (contacts.filter((one) => one.params.get('expires') !== '0').length > 1)
    throw new RefusedError(400, 'Contact: one flow at a time is registered with a reg-id')
  return regId
}

/** Whether the telephone itself is heard, with no proxy between. */
export const isDirect = ({ request }: Received): boolean => request.headers.values('Via').length <= 1

/** What its telephone is told; undefined where there is nothing for it to keep alive. */
export const flowTimerOf = (received: Received): number | undefined =>
  isDirect(received) ? FLOW_TIMER[received.from.transport] : undefined

/** Where none is told only the end of the connection counts. */
export const NO_TIMER_SECONDS = 86_400

/** How long a flow may be silent whose peer has been told this. */
export const silenceMs = (flowTimerSeconds: number): number => (flowTimerSeconds + GRACE_SECONDS) * 1_000

/** §6: over the flow, never to where the contact says; behind an edge proxy that is the edge. */
export const flowHop = ({ from }: Received): NextHop => from

/** Telephones, however many flows each has. */
export function telephonesIn(bindings: readonly { readonly instance: string | undefined; readonly contact: SipUri }[]): number {
  return new Set(bindings.map(({ instance, contact }) => instance ?? contact.toString())).size
}
