/** A thousand SIP users who watch one client, and one client who watches a thousand telephones: what each NOTIFY costs, what a dialog keeps, and a restart among them. */
import { setTimeout as pause } from 'node:timers/promises'
import { silent } from '../../src/log/log.ts'
import { type EmbeddedStack, embeddedStack } from '../../src/sip/embedded/stack.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr, tagOf } from '../../src/sip/name-addr.ts'
import type { NextHop } from '../../src/sip/port.ts'
import type { Running } from '../peers/server.ts'
import { scram } from './chat.ts'
import { Client, type Place } from './client.ts'
import { cpuMicros, residentKiB } from './cost.ts'

export const PHONES_DOMAIN = 'phones.example'

export interface WatchersLoad {
  readonly many: number
  readonly rounds: number
}

export interface WatchersCost {
  /** RSS for each dialog in which somebody watches, with what is remembered of it; a first measure, for RSS grows in jumps. */
  readonly dialogKiB: number
  /** CPU for each NOTIFY of a fan-out, sent and answered. */
  readonly toldMicros: readonly number[]
  /** CPU for each NOTIFY that becomes presence of a client. */
  readonly seenMicros: readonly number[]
  /** After SIGKILL and a start, until each watcher has heard the state: seconds from when it served, and CPU for each. */
  readonly backSeconds: number
  readonly backMicros: number
}

const IN_FLIGHT = 16
const patienceMs = 60_000
/** From one NOTIFY of a dialog to the next (core/subscriptions/limits). */
const apartMs = 5_100

interface Asked {
  readonly subscribe: SipRequest
  readonly tag: string
  cseq: number
}

/** All telephones and watchers, on one socket. */
class Phones {
  readonly stack: EmbeddedStack
  /** Watchers who have heard the text that is waited for. */
  heard = 0
  awaited = ''
  readonly asked: Asked[] = []

  constructor(
    readonly port: number,
    public gateway: NextHop,
  ) {
    this.stack = embeddedStack({ listeners: [{ transport: 'udp', port, address: '127.0.0.1' }] }, silent)
  }

  async start(): Promise<void> {
    await this.stack.start(({ request }) => {
      if (request.method === 'NOTIFY') {
        if (request.body.includes(this.awaited)) this.heard++
        return response(200)
      }
      const to = request.headers.get('To') ?? ''
      const tag = tagOf(to) ?? newTag()
      if (tagOf(to) === undefined) this.asked.push({ subscribe: request, tag, cseq: 0 })
      return response(200, undefined, [
        ['To', tagOf(to) === undefined ? `${to};tag=${tag}` : to],
        ['Expires', '3600'],
        ['Contact', this.#contact],
      ])
    })
  }

  async watch(n: number, whom: string): Promise<void> {
    const headers = new Headers(['Max-Forwards', '70', 'From', `<sip:w${n}@${PHONES_DOMAIN}>;tag=${newTag()}`, 'To', `<${whom}>`])
    headers.list.push('Call-ID', newCallId(), 'CSeq', '1 SUBSCRIBE', 'Event', 'presence', 'Expires', '3600')
    headers.list.push('Accept', 'application/pidf+xml', 'Contact', this.#contact)
    const { status } = await this.stack.send(new SipRequest('SUBSCRIBE', whom, headers, Buffer.alloc(0)), this.gateway)
    if (status !== 200) throw new Error(`SUBSCRIBE of w${n}: ${status}`)
  }

  notify(one: Asked, text: string): Promise<SipResponse> {
    const { headers } = one.subscribe
    const watched = parseNameAddr(headers.get('To') ?? '').uri
    const list = ['Max-Forwards', '70', 'From', `<${watched}>;tag=${one.tag}`, 'To', headers.get('From') ?? '']
    list.push('Call-ID', headers.get('Call-ID') ?? '', 'CSeq', `${++one.cseq} NOTIFY`, 'Event', 'presence')
    list.push('Subscription-State', 'active;expires=3600', 'Contact', this.#contact, 'Content-Type', 'application/pidf+xml')
    const body = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="${watched}"><tuple id="desk"><status><basic>open</basic></status><note>${text}</note></tuple></presence>`
    const target = parseNameAddr(headers.get('Contact') ?? '').uri
    return this.stack.send(new SipRequest('NOTIFY', target, new Headers(list), Buffer.from(body)), this.gateway)
  }

  get #contact(): string {
    return `<sip:phones@127.0.0.1:${this.port}>`
  }
}

/** `begin` starts the gateway anew, on its files. */
export async function watchers(
  running: Running & { readonly phonesPort: number; kill(): Promise<void> },
  place: Place,
  { many, rounds }: WatchersLoad,
  begin: () => Promise<Running>,
): Promise<WatchersCost> {
  const { pid, sipPort = 0, phonesPort } = running
  const phones = new Phones(phonesPort, { transport: 'udp', host: '127.0.0.1', port: sipPort })
  await phones.start()
  const login = (user: string) => Client.open(place, { user, tls: false, mechanisms: scram })
  try {
    // Warmth for the path, so that the memory of dialogs is not that of compiled code.
    const speaker = await login('u0')
    let asking = 0
    speaker.onText = (text) => {
      asking += text.split("type='subscribe'").length - 1 + (text.split('type="subscribe"').length - 1)
    }
    speaker.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
    const watch = async (from: number, to: number): Promise<void> => {
      const before = asking
      phones.heard = 0
      phones.awaited = '<basic>open'
      await atOnce(to - from, (n) => phones.watch(from + n, `sip:u0@${place.domain}`))
      await until(() => asking >= before + to - from, 'everybody asks')
      for (let n = from; n < to; n++) speaker.send(`<presence to='w${n}@${PHONES_DOMAIN}' type='subscribed'/>`)
      await until(() => phones.heard >= to - from, 'everybody is let in')
    }
    await watch(0, many / 10)
    await pause(2_000)
    const before = residentKiB(pid)
    await watch(many / 10, many / 10 + many)
    await pause(2_000)
    const dialogKiB = (residentKiB(pid) - before) / many
    const all = many + many / 10
    const toldMicros: number[] = []
    for (let round = 0; round <= rounds; round++) {
      await pause(apartMs)
      phones.heard = 0
      phones.awaited = `round ${round} of`
      const cpu = cpuMicros(pid)
      speaker.send(`<presence><show>away</show><status>round ${round} of watching</status></presence>`)
      await until(() => phones.heard >= all, 'everybody is told')
      if (round > 0) toldMicros.push((cpuMicros(pid) - cpu) / all)
    }
    const seenMicros = await seen(running, place, phones, many, rounds)
    await pause(1_000)
    await running.kill()
    phones.heard = 0
    phones.awaited = ''
    const back = await begin()
    const ready = performance.now()
    const cpu = cpuMicros(back.pid)
    await until(() => phones.heard >= all, 'everybody hears of it again')
    const backSeconds = (performance.now() - ready) / 1_000
    const backMicros = (cpuMicros(back.pid) - cpu) / all
    await back.stop()
    return { dialogKiB, toldMicros, seenMicros, backSeconds, backMicros }
  } finally {
    await phones.stack.stop(0)
  }
}

async function seen({ pid }: Running, place: Place, phones: Phones, many: number, rounds: number): Promise<number[]> {
  const watcher = await Client.open(place, { user: 'u1', tls: false, mechanisms: scram })
  let text = ''
  let came = 0
  let awaited = 'round 0 of'
  watcher.onText = (chunk) => {
    const parts = (text + chunk).split('</presence>')
    text = parts.pop() ?? ''
    for (const part of parts) if (part.includes(awaited)) came++
  }
  watcher.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
  phones.asked.length = 0
  for (let n = 0; n < many; n++) watcher.send(`<presence to='p${n}@${PHONES_DOMAIN}' type='subscribe'/>`)
  await until(() => phones.asked.length >= many, 'every telephone is asked')
  const micros: number[] = []
  for (let round = 0; round <= rounds; round++) {
    came = 0
    awaited = `round ${round} of`
    const cpu = cpuMicros(pid)
    await atOnce(many, async (n) => {
      const one = phones.asked[n]
      const { status } = one ? await phones.notify(one, `round ${round} of telephones`) : response(404)
      if (status !== 200) throw new Error(`NOTIFY of p${n}: ${status}`)
    })
    await until(() => came >= many, 'every telephone is seen')
    if (round > 0) micros.push((cpuMicros(pid) - cpu) / many)
  }
  await watcher.close()
  return micros
}

async function atOnce(many: number, work: (n: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < many) await work(next++)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + patienceMs
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not within ${patienceMs / 1_000} s: ${what}`)
    await pause(5)
  }
}
