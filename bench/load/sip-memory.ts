/** What is kept in memory for a registration, an open transaction, a call that rings and one that was answered. In this process: heap after a collection, less what it was. */

import { SipUri } from '../../src/address/sip-uri.ts'
import { Registrations } from '../../src/core/location.ts'
import { REGISTRAR_DEFAULTS, Registrar } from '../../src/core/registrar.ts'
import { silent } from '../../src/log/log.ts'
import { parseMessage, print } from '../../src/sip/codec.ts'
import { responseTo } from '../../src/sip/echo.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { newBranch, newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'
import { Forward, NoResponseError } from '../../src/sip/port.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import { heapBytes, oneMessage } from './stack-process.ts'

export const MEMORY_KINDS = ['registration', 'request sent', 'request taken', 'call that rings', 'call that was answered'] as const
export type MemoryKind = (typeof MEMORY_KINDS)[number]

const US = { host: '192.0.2.1', port: 5_060 } as const
const ROOM = { invitesMax: 1e6, servedAtOnceMax: 1e6, sentAtOnceMax: 1e6, answeredMax: 1e6 } as const

/** As it comes off the wire: what is kept of it may hold on to all of it. */
function arrived(method: string, fields: readonly string[], n: number): SipRequest {
  const headers = new Headers(['Via', `SIP/2.0/UDP 192.0.2.2:5060;branch=${newBranch()};rport`, 'Max-Forwards', '70'])
  headers.list.push('From', `<sip:u${n}@example.com>;tag=${newTag()}`, 'To', `<sip:u${n}@example.com>`, 'Call-ID', newCallId())
  headers.list.push('CSeq', `1 ${method}`, 'User-Agent', 'a telephone of the bench', ...fields)
  const uri = method === 'REGISTER' ? 'sip:example.com' : `sip:u${n}@example.com`
  const parsed = parseMessage(print(new SipRequest(method, uri, headers, method === 'INVITE' ? Buffer.alloc(400, 'v') : Buffer.alloc(0))))
  if (!(parsed instanceof SipRequest)) throw new Error('a response')
  return parsed
}

/** Bytes for each of so many. */
export async function memoryOf(kind: MemoryKind, many: number): Promise<number> {
  return kind === 'registration' ? registrations(many) : transactions(kind, many)
}

async function registrations(many: number): Promise<number> {
  const table = new Registrations(() => Date.now())
  const registrar = new Registrar(table, new MemoryStore().bindings, REGISTRAR_DEFAULTS, () => Date.now(), silent)
  const register = async (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      const contact = `<sip:u${n}@192.0.2.2:5060>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}>"`
      const request = arrived('REGISTER', ['Contact', contact, 'Expires', '3600', 'Supported', 'path, gruu'], n)
      const from = { transport: 'udp', host: '192.0.2.2', port: 5_060 } as const
      const answer = await registrar.register({ request, from, local: { transport: 'udp', ...US } }, SipUri.parse(`sip:u${n}@example.com`))
      if (answer.status !== 200) throw new Error(`registration ${n}: ${answer.status}`)
    }
  }
  await register(0, 100)
  const before = heapBytes()
  await register(100, 100 + many)
  const each = (heapBytes() - before) / many
  if (table.size < many) throw new Error(`${table.size} registrations`)
  return each
}

async function transactions(kind: MemoryKind, many: number): Promise<number> {
  const network = new MemoryNetwork({ isLossy: true })
  const stack = network.join({ ...US, limits: ROOM })
  const bob = { transport: 'udp', host: '192.0.2.9', port: 5_060 } as const
  await stack.start(({ request }) =>
    kind === 'request taken' ? new Promise(() => {}) : new Forward(request, [{ uri: 'sip:bob@192.0.2.9', route: [], hop: bob }]),
  )
  // Bob says nothing to a request, rings at once, and answers where he is to.
  network.enter({
    ...bob,
    take(bytes) {
      const request = parseMessage(bytes)
      if (!(request instanceof SipRequest) || request.method !== 'INVITE') return
      const status = kind === 'call that was answered' ? 200 : 180
      network.carry({ ...bob, take: () => {} }, print(responseTo(request, status)), US.host, US.port)
    },
  })
  const alice = { transport: 'udp', host: '192.0.2.2', port: 5_060, take: () => {} } as const
  network.enter(alice)
  const open = async (count: number) => {
    for (let n = 0; n < count; n++) {
      if (kind === 'request sent') stack.send(oneMessage(), bob).catch(unlessNoResponse)
      else network.carry(alice, print(arrived(kind === 'request taken' ? 'MESSAGE' : 'INVITE', [], n)), US.host, US.port)
      if (n % 100 === 0) await new Promise((done) => setImmediate(done))
    }
    await new Promise((done) => setImmediate(done))
  }
  await open(100)
  const before = heapBytes()
  await open(many)
  const each = (heapBytes() - before) / many
  await stack.stop(0)
  return each
}

function unlessNoResponse(cause: unknown): void {
  if (!(cause instanceof NoResponseError)) throw cause
}
