/** Both ends of a subscription in tests: requests as the other side sends them, and a way out that remembers what went and says what it is told. */
import { setImmediate as soon } from 'node:timers/promises'
import { vi } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import type { Next, Outward, Start } from '../../src/core/subscriptions/outward.ts'
import type { Watch } from '../../src/core/subscriptions/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { type Log, silent } from '../../src/log/log.ts'
import { withEcho } from '../../src/sip/echo.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { tagOf } from '../../src/sip/name-addr.ts'
import { type NextHop, NoResponseError, type Received } from '../../src/sip/port.ts'

export const ROMEO = SipUri.parse('sip:romeo@sip.example')
export const JULIET = SipUri.parse('sip:juliet@xmpp.example')
export const THERE: NextHop = { transport: 'udp', host: '192.0.2.7', port: 5_060 }
export const HERE: NextHop = { transport: 'udp', host: '192.0.2.1', port: 5_060 }

export const watchOf = (watcher = ROMEO, watched = JULIET, event = 'presence'): Watch => ({ watcher, watched, event })

type Fields = Readonly<Record<string, string | undefined>>

/** A request of the other side; a field that is undefined is left out. */
export function requestOf(method: string, fields: Fields = {}, body = ''): SipRequest {
  const headers = new Headers()
  const all: Fields = {
    Via: 'SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK1',
    'Max-Forwards': '70',
    From: `<${ROMEO}>;tag=${newTag()}`,
    To: `<${JULIET}>`,
    'Call-ID': newCallId(),
    CSeq: `1 ${method}`,
    Contact: '<sip:romeo@192.0.2.7>',
    Event: 'presence',
    ...fields,
  }
  for (const [name, value] of Object.entries(all)) if (value !== undefined) headers.append(name, value)
  return new SipRequest(method, JULIET.toString(), headers, Buffer.from(body))
}

export const received = (request: SipRequest, from: NextHop = THERE): Received => ({ request, from, local: HERE })

export const signalOf = (request: SipRequest, from: NextHop = THERE, account?: SipUri): WireSignal =>
  WireSignal.of(request, { kind: 'wire', hop: from, trusted: false, account })

/** The next request in the dialog of these two. */
export function following(first: SipRequest, to: string, cseq: number, fields: Fields = {}): SipRequest {
  const of = (name: string): string => first.headers.get(name) ?? ''
  return requestOf(first.method, { From: of('From'), To: to, 'Call-ID': of('Call-ID'), CSeq: `${cseq} ${first.method}`, ...fields })
}

/** A NOTIFY in answer to this SUBSCRIBE of ours. */
export function notifyFor(subscribe: SipRequest, state: string, fields: Fields = {}, body = '<presence/>'): SipRequest {
  const tag = tagOf(subscribe.headers.get('To') ?? '') ?? 'there'
  return requestOf(
    'NOTIFY',
    {
      From: `<${ROMEO}>;tag=${tag}`,
      To: subscribe.headers.get('From') ?? '',
      'Call-ID': subscribe.headers.get('Call-ID') ?? '',
      'Subscription-State': state,
      'Content-Type': body === '' ? undefined : 'application/pidf+xml',
      ...fields,
    },
    body,
  )
}

/** A status, a response, or why there is none. */
export type Said = number | SipResponse | 'timeout' | 'transport' | 'never'

export class TestOutward implements Outward {
  /** In the order they went. */
  readonly sent: SipRequest[] = []
  readonly nexts: Next[] = []
  /** What the other side says; 200 until told otherwise. */
  says: (request: SipRequest) => Said | Promise<Said> = () => 200
  start: Start | undefined = {
    target: ROMEO,
    routes: [],
    next: { uri: SipUri.parse('sip:pbx.example'), hop: undefined, local: JULIET, remote: ROMEO },
  }

  startFor(): Start | undefined {
    return this.start
  }

  contactFor({ local }: Next): SipUri {
    return SipUri.of(local.user, HERE.host)
  }

  async send(request: SipRequest, next: Next): Promise<SipResponse> {
    this.sent.push(request)
    this.nexts.push(next)
    const said = await this.says(request)
    if (said === 'never') return new Promise(() => {})
    if (said === 'timeout' || said === 'transport') throw new NoResponseError(said, said)
    return withEcho(
      request,
      typeof said === 'number' ? response(said, undefined, [['Expires', request.headers.get('Expires') ?? '']]) : said,
      'there',
    )
  }

  get last(): SipRequest {
    const last = this.sent.at(-1)
    if (!last) throw new Error('nothing was sent')
    return last
  }
}

export const field = (request: SipRequest, name: string): string => request.headers.get(name) ?? ''

/** All that is under way is done; time stands still. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await soon()
}

/** That much time passes, and what it brings is done. */
export async function pass(seconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(seconds * 1_000)
  await settled()
}

/** Time that only `pass` moves. */
export const stopTime = (): void => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
}

/** What our own mistakes were; a test that made any has failed. */
export function listening(): { readonly log: Log; readonly mistakes: unknown[] } {
  const mistakes: unknown[] = []
  return { log: { ...silent, failure: (facts: unknown) => void mistakes.push(facts) } as Log, mistakes }
}
