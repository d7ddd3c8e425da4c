/**
 * Our Record-Route (RFC 3261 §16.6 step 4): one for each side of a dialog (RFC 5658 §3), each with the flow that leads to that side (RFC 5626 §5.3), signed for that
 * dialog alone. Nothing of a dialog is kept; and who shows no signature of ours is not forwarded for, nor anybody to another place than where the dialog came from.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { unbracketed } from '../../address/ip-literal.ts'
import { SipUri, SipUriError } from '../../address/sip-uri.ts'
import type { NextHop, Transport } from '../port.ts'
import { hostPort } from './transport.ts'

const LETTERS = { udp: 'u', tcp: 'c', tls: 't', ws: 'w', wss: 'x' } as const
const TRANSPORTS: Readonly<Record<string, Transport>> = { u: 'udp', c: 'tcp', t: 'tls', w: 'ws', x: 'wss' }
// RFC 7118 §5.2.2: one name for both kinds of WebSocket.
const NAMES = { tcp: 'tcp', tls: 'tls', ws: 'ws', wss: 'ws' } as const
const SIGNATURE_BYTES = 12
const DEFAULT_PORT = 5_060

export class DialogRoutes {
  readonly #key: Buffer

  constructor(key: Buffer) {
    this.#key = key
  }

  /** The field that stands for us between a side and the rest; `local` is what that side sees of us. */
  fieldFor(side: NextHop, local: NextHop, callId: string): string {
    const text = `${LETTERS[side.transport]}${side.port},${side.flow ?? ''},${unbracketed(side.host)}`
    const bytes = Buffer.concat([this.#signature(text, callId), Buffer.from(text)])
    const transport = local.transport === 'udp' ? '' : `;transport=${NAMES[local.transport]}`
    return `<sip:${bytes.toString('base64url')}@${hostPort(local.host, local.port)}${transport};lr>`
  }

  /** The side that this URI stands for; undefined where it is none of ours, or of another dialog. */
  sideOf(uri: string, callId: string): NextHop | undefined {
    const user = /^sip:([A-Za-z0-9_-]{20,200})@/.exec(uri)?.[1]
    if (user === undefined) return undefined
    const bytes = Buffer.from(user, 'base64url')
    const text = bytes.subarray(SIGNATURE_BYTES).toString()
    const expected = this.#signature(text, callId)
    if (bytes.length <= SIGNATURE_BYTES || !timingSafeEqual(bytes.subarray(0, SIGNATURE_BYTES), expected)) return undefined
    const [, letter = '', port, flow = '', host = ''] = /^(\w)(\d+),([^,]*),(.*)$/.exec(text) ?? []
    const transport = TRANSPORTS[letter]
    if (transport === undefined) return undefined
    const hop = { transport, host, port: Number(port) }
    return flow === '' ? hop : { ...hop, flow }
  }

  #signature(text: string, callId: string): Buffer {
    return createHmac('sha256', this.#key).update(`${callId}\n${text}`).digest().subarray(0, SIGNATURE_BYTES)
  }
}

/**
 * Where a request goes that is meant for `uri`, on the side that lies behind this hop. The place it names, if that is the address the side spoke from; else there stands
 * an address translator or another proxy between, and what comes back must take the way it came.
 */
export function hopOnSide(side: NextHop, uri: string, isAlive: (hop: NextHop) => boolean): NextHop | undefined {
  const named = placeOf(uri, side)
  if (side.transport === 'udp') return named ? { ...side, port: named.port } : side
  if (isAlive(side)) return side
  // The connection is gone: another one, if the contact says where.
  return named ? { transport: side.transport, host: side.host, port: named.port } : undefined
}

function placeOf(uri: string, side: NextHop): { readonly port: number } | undefined {
  try {
    const { host, port = DEFAULT_PORT } = SipUri.parse(uri)
    const address = unbracketed(host)
    return isIP(address) !== 0 && address === side.host ? { port } : undefined
  } catch (cause) {
    if (cause instanceof SipUriError) return undefined
    throw cause
  }
}
