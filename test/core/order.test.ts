import { expect, test } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import { OK } from '../../src/core/answer.ts'
import { LANE_WAITING_MAX, Lanes } from '../../src/core/order.ts'
import { type Delivery, NotYetTaken, type Signal, type Taken } from '../../src/core/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'

function signal(from: string, to: string, id: number): Signal {
  const request = new SipRequest('MESSAGE', to, new Headers(['From', `<${from}>;tag=1`, 'Call-ID', String(id)]), Buffer.alloc(0))
  return new WireSignal(request, { kind: 'stream' }, SipUri.parse(from), SipUri.parse(to), 70)
}
const JULIET = 'sip:juliet@xmpp.example'
const ROMEO = 'sip:romeo@xmpp.example'

/** A target that needs time even to take a signal, until told. */
function slowTarget() {
  const seen: string[] = []
  const taking: ((taken: Taken) => void)[] = []
  return {
    seen,
    taking,
    deliver: (one: Signal): Delivery => {
      seen.push(one.header('Call-ID') ?? '')
      return new NotYetTaken(new Promise((taken) => taking.push(taken)))
    },
  }
}

test('a signal that is taken at once passes without a lane', () => {
  expect(new Lanes().run(signal(JULIET, ROMEO, 1), () => OK)).toBe(OK)
})

test('a second signal of the same pair waits until the first is taken, and keeps its place', async () => {
  const target = slowTarget()
  const lanes = new Lanes()
  const answers = [1, 2, 3].map((id) => lanes.run(signal(JULIET, ROMEO, id), target.deliver))
  expect(target.seen).toEqual(['1'])
  target.taking[0]?.({ answer: OK })
  await answers[0]
  expect(target.seen).toEqual(['1', '2'])
  target.taking[1]?.({ answer: OK })
  await answers[1]
  target.taking[2]?.({ answer: OK })
  expect(await answers[2]).toBe(OK)
  expect(target.seen).toEqual(['1', '2', '3'])
})

test('a lane is not held while an answer is awaited', async () => {
  const lanes = new Lanes()
  const never = new Promise<typeof OK>(() => {})
  lanes.run(signal(JULIET, ROMEO, 1), () => new NotYetTaken(Promise.resolve({ answer: never })))
  expect(await lanes.run(signal(JULIET, ROMEO, 2), () => OK)).toBe(OK)
})

test('the other direction and other pairs do not wait', () => {
  const target = slowTarget()
  const lanes = new Lanes()
  lanes.run(signal(JULIET, ROMEO, 1), target.deliver)
  expect(lanes.run(signal(ROMEO, JULIET, 2), () => OK)).toBe(OK)
  expect(lanes.run(signal(JULIET, 'sip:nurse@xmpp.example', 3), () => OK)).toBe(OK)
})

test('a pair that sends faster than its target takes is told so', async () => {
  const target = slowTarget()
  const lanes = new Lanes()
  for (let i = 0; i <= LANE_WAITING_MAX; i++) lanes.run(signal(JULIET, ROMEO, i), target.deliver)
  expect((await lanes.run(signal(JULIET, ROMEO, 9), target.deliver)).status).toBe(500)
})
