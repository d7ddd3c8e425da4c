/** What must hold of the codec and of a stack in memory, whatever message they are given. */
import { type Fact, silent } from '../../src/log/log.ts'
import { parseMessage, print, SipParseError } from '../../src/sip/codec.ts'
import { parseContacts } from '../../src/sip/contact.ts'
import { responseTo } from '../../src/sip/echo.ts'
import { Framer } from '../../src/sip/embedded/framer.ts'
import { defaultLimits } from '../../src/sip/embedded/limits.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { response, SipRequest, SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr, tagOf } from '../../src/sip/name-addr.ts'
import { SipSyntaxError } from '../../src/sip/syntax-error.ts'
import { parseVia } from '../../src/sip/via.ts'
import type { Random } from '../xml/random.ts'
import { mutated, SOUND } from './mutants.ts'

/** CPU time that no message may take, with room for a collector of garbage: beyond it something is quadratic. */
const MESSAGE_MAX_MS = 1_000

/** Plays `count` damaged messages; what did not hold, in words. */
export async function play(random: Random, count: number): Promise<{ complaints: string[]; accepted: number; refused: number }> {
  const complaints: string[] = []
  const stack = await victim()
  let accepted = 0
  for (let n = 0; n < count && complaints.length < 10; n++) {
    const bytes = mutated(random)
    const begun = process.cpuUsage()
    const complaint = faultOf(bytes) ?? streamFaultOf(bytes, random)
    stack.give(bytes)
    // Now and then the clock of the transactions must have its turn.
    await (n % 100 === 0 ? new Promise<void>((resolve) => setImmediate(resolve)) : undefined)
    if (complaint !== undefined) complaints.push(`${complaint}: ${JSON.stringify(bytes.toString('latin1'))}`)
    const ms = process.cpuUsage(begun).user / 1_000
    if (ms > MESSAGE_MAX_MS) complaints.push(`it took ${Math.round(ms)} ms: ${JSON.stringify(bytes.toString('latin1'))}`)
    if (isAccepted(bytes)) accepted++
  }
  complaints.push(...(await stack.end()))
  return { complaints, accepted, refused: count - accepted }
}

function isAccepted(bytes: Buffer): boolean {
  try {
    parseMessage(bytes)
    return true
  } catch {
    return false
  }
}

/** The codec refuses with its own error and an answer that can be printed, or gives what prints and reads as the same. */
function faultOf(bytes: Buffer): string | undefined {
  let message: SipRequest | SipResponse
  try {
    message = parseMessage(bytes)
  } catch (cause) {
    if (!(cause instanceof SipParseError)) return `the codec threw ${cause}`
    if (!/^[\x20-\x7e]+$/.test(cause.reason)) return `a reason that is none: ${cause.reason}`
    return cause.request ? printFault(responseTo(cause.request, cause.status, cause.reason)) : undefined
  }
  const fault = printFault(message) ?? (message instanceof SipRequest ? printFault(responseTo(message, 480)) : undefined)
  return fault ?? fieldFault(message)
}

function printFault(message: SipRequest | SipResponse): string | undefined {
  try {
    const once = print(message)
    const twice = print(parseMessage(once))
    return once.equals(twice) ? undefined : 'what was printed reads as something else'
  } catch (cause) {
    return `what was read cannot be printed and read: ${cause}`
  }
}

function fieldFault({ headers }: SipRequest | SipResponse): string | undefined {
  const reading: readonly (() => unknown)[] = [
    () => headers.values('via').map((value) => String(parseVia(String(parseVia(value))))),
    () => headers.values('from').map((value) => parseNameAddr(String(parseNameAddr(value)))),
    () => headers.values('to').map((value) => [parseNameAddr(value).uriWithGr, tagOf(value)]),
    () => parseContacts(headers),
    () => headers.list.map((value) => tagOf(value)),
  ]
  for (const read of reading) {
    try {
      read()
    } catch (cause) {
      if (!(cause instanceof SipSyntaxError)) return `a field threw ${cause}`
    }
  }
  return undefined
}

/** A stream gives the same however it is cut, and returns the room it took. */
function streamFaultOf(bytes: Buffer, random: Random): string | undefined {
  const cuts = [bytes.length, 1 + random.int(40)].map((most) => framed(bytes, most, random))
  if (cuts[0] !== cuts[1]) return `cut another way it reads otherwise: ${cuts.join(' / ')}`
  return undefined
}

function framed(bytes: Buffer, most: number, random: Random): string {
  const seen: string[] = []
  const room = { left: 1_000_000 }
  const frames = {
    message: (message: SipRequest | SipResponse) => void seen.push(print(message).toString('latin1')),
    ping: () => void seen.push('ping'),
    broken: (error: SipParseError) => void seen.push(`broken ${error.reason}`),
    lost: (error: SipParseError) => void seen.push(`lost ${error.reason}`),
  }
  const framer = new Framer(frames, { ...defaultLimits, headMaxBytes: 20_000, bodyMaxBytes: 20_000 }, room)
  for (let at = 0; at < bytes.length; ) {
    const length = most === bytes.length ? most : 1 + random.int(most)
    framer.push(bytes.subarray(at, at + length))
    at += length
  }
  if (framer.isUnfinished) seen.push('unfinished')
  framer.stop()
  return room.left === 1_000_000 ? seen.join('\n') : `${1_000_000 - room.left} bytes were not returned`
}

/** A stack that must live through all of it. */
async function victim() {
  const failures: string[] = []
  const log = { ...silent, failure: (fact: Fact) => void failures.push(`${fact.what}: ${fact.cause}`) }
  const network = new MemoryNetwork()
  const stack = network.join({ host: '192.0.2.1', log, limits: { invitesMax: 100, retainedMaxBytes: 100_000 } })
  await stack.start(({ request }) => (request.method === 'BYE' ? Promise.resolve(response(481)) : response(200)))
  let last: Buffer = Buffer.alloc(0)
  let requests = 0
  const take = (bytes: Buffer): void => {
    last = bytes
    if (!(parseMessage(bytes) instanceof SipResponse)) requests++
  }
  const peer = { transport: 'udp', host: '192.0.2.7', port: 5060, take } as const
  network.enter(peer)
  const give = (bytes: Buffer): void => network.carry(peer, bytes, '192.0.2.1', 5060)
  const end = async (): Promise<string[]> => {
    give(Buffer.from((SOUND[0] ?? '').replace('776asdhds', 'thelast').replace('asd88asd77a', 'thelast')))
    await new Promise<void>((resolve) => setImmediate(resolve))
    const complaints = failures
    if (requests > 0) complaints.push(`it sent ${requests} requests`)
    if (!last.includes('thelast')) complaints.push('the last, sound request was not answered')
    if (stack.load.serving !== 0 || stack.load.waiting !== 0) complaints.push(`left behind: ${JSON.stringify(stack.load)}`)
    await stack.stop(0)
    return complaints
  }
  return { give, end }
}
