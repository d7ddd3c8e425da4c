/** What is told of calls to who listens: ringing, talking, over. */
import { afterEach, expect, test, vi } from 'vitest'
import type { AccountCall } from '../../src/sip/port.ts'
import { type Calling, calling, ROMEO, talking } from '../support/calling.ts'
import type { TownOptions } from '../support/town.ts'

const JULIET = 'sip:juliet@xmpp.example'

let place: Calling | undefined
afterEach(async () => {
  await place?.verona.stop()
  vi.useRealTimers()
})

async function watched(options: TownOptions = {}) {
  place = await calling({ limits: { probeMs: 200 }, t1Ms: 10, ...options })
  const told: AccountCall[] = []
  place.verona.stack.watchCalls({ changed: (call) => told.push(call) })
  const states = () =>
    told.map(({ aor, direction, state, ended }) => [aor.replace(/^sip:|@.*/g, ''), direction, state, ...(ended ? [ended] : [])].join(' '))
  return { ...place, told, states, load: () => place?.verona.stack.load.watched }
}

test('a call is told of as it rings, is answered and ends, once for each account in it', async () => {
  const { juliet, romeo, told, states, load } = await watched()
  const call = await juliet.call(ROMEO)
  const rung = await romeo.rung()
  rung.ring()
  await call.progress(180)
  expect(states()).toEqual(['juliet initiator early', 'romeo recipient early'])
  rung.answer()
  const caller = await call.answered()
  await rung.talking()
  const bye = caller.bye()
  await rung.side.hungUp()
  await bye
  expect(states().slice(2)).toEqual([
    'juliet initiator confirmed',
    'romeo recipient confirmed',
    'juliet initiator terminated local-bye',
    'romeo recipient terminated remote-bye',
  ])
  const [first, second] = told.slice(2)
  expect(first).toMatchObject({ callId: caller.callId, remoteTag: rung.tag, remote: { uri: ROMEO } })
  expect(second).toMatchObject({ callId: caller.callId, localTag: rung.tag, remoteTag: first?.localTag, remote: { uri: JULIET } })
  expect(new Set(told.map(({ id }) => id)).size).toBe(2)
  expect(load()).toBe(0)
})

test('a call that is refused, and one that is given up, end as such', async () => {
  const { juliet, romeo, states, load } = await watched()
  const call = await juliet.call(ROMEO)
  const rung = await romeo.rung()
  rung.ring()
  await call.progress(180)
  await rung.refuse(486)
  await call.refused()
  expect(states().slice(2)).toEqual(['romeo recipient terminated rejected', 'juliet initiator terminated rejected'])
  const another = await juliet.call(ROMEO)
  const again = await romeo.rung()
  again.ring()
  await another.progress(180)
  await Promise.all([another.cancel(), again.cancelled()])
  await another.refused()
  expect(states().slice(6)).toEqual(['romeo recipient terminated cancelled', 'juliet initiator terminated cancelled'])
  expect(load()).toBe(0)
})

test('a BYE that was lost: who is asked in the dialog and knows it no more ends it, who answers anything else goes on', async () => {
  const { juliet, romeo, states } = await watched()
  await talking(juliet, romeo)
  const asked = await romeo.request('OPTIONS')
  const toJuliet = await juliet.request('OPTIONS')
  expect(toJuliet.headers.get('CSeq')).toBe('0 OPTIONS')
  romeo.reply(asked, 405, '')
  juliet.reply(toJuliet, 200, '')
  const again = await romeo.request('OPTIONS')
  juliet.reply(await juliet.request('OPTIONS'), 200, '')
  expect(states().filter((one) => one.includes('terminated'))).toEqual([])
  romeo.reply(again, 481, '')
  await expect.poll(() => states().slice(-2)).toEqual(['juliet initiator terminated timeout', 'romeo recipient terminated timeout'])
})

test('a session timer that nobody refreshes ends the call, without anybody being asked', async () => {
  const { juliet, romeo, states } = await watched()
  const call = await juliet.call(ROMEO, [
    ['Supported', 'timer'],
    ['Session-Expires', '90'],
  ])
  const { invite, tag } = await romeo.rung()
  vi.useFakeTimers({ toFake: ['performance'] })
  romeo.reply(invite, 200, tag, [
    ...invite.headers.all('Record-Route').map((value) => ['Record-Route', value] as const),
    ['Contact', `<${romeo.contact}>`],
    ['Session-Expires', '90;refresher=uac'],
    ['Require', 'timer'],
  ])
  await call.answered()
  vi.advanceTimersByTime(89_000)
  expect(states().at(-1)).toBe('romeo recipient confirmed')
  vi.advanceTimersByTime(2_000)
  await expect.poll(() => states().slice(-2)).toEqual(['juliet initiator terminated timeout', 'romeo recipient terminated timeout'])
  expect(romeo.all.some((one) => 'method' in one && one.method === 'OPTIONS')).toBe(false)
})

test('a caller who knows timers and calls somebody who does not is told to refresh; too short a time is refused with 422', async () => {
  const { juliet, romeo } = await watched()
  const call = await juliet.call(ROMEO, [['Supported', 'timer']])
  const rung = await romeo.rung()
  expect(rung.invite.headers.get('Session-Expires')).toBe('1800')
  rung.answer()
  const answer = await juliet.response('INVITE')
  expect([answer.headers.get('Session-Expires'), answer.headers.get('Require')]).toEqual(['1800;refresher=uac', 'timer'])
  expect(call.sideOf(answer).callId).not.toBe('')
  const short = await juliet.call(ROMEO, [
    ['Supported', 'timer'],
    ['Session-Expires', '30'],
  ])
  const refused = await short.refused()
  expect([refused.status, refused.headers.get('Min-SE')]).toEqual([422, '90'])
})

test('calls above the limit are carried, and not told of', async () => {
  const { juliet, romeo, told } = await watched({ limits: { watchedMax: 0 } })
  await talking(juliet, romeo)
  expect(told).toEqual([])
})
