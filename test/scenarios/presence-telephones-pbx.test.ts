/** Calls of telephones behind a route, as their PBX tells of them (RFC 4235). */
import { describe, expect, test } from 'vitest'
import { online, presence, settled } from '../support/friends.ts'
import { DIALOG_INFO, dialogInfo, PresenceAgent, pidf } from '../support/presence-agent.ts'
import { PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { presenceFrom, shown } from '../support/telephone-watcher.ts'

const routes = [{ match: 'pbx.example', to: `sip:${PBX}` }]
const BARE = 'tybalt@pbx.example'

async function place(packages: readonly string[]) {
  const at = await verona({ routes })
  const tybalt = new PresenceAgent(await party(at), TYBALT, PBX)
  tybalt.packages = packages
  const juliet = await online(at, 'juliet', 'home')
  juliet.send(presence({ type: 'subscribe', to: BARE }))
  return { at, tybalt, juliet }
}

describe('a PBX that serves presence and dialog', () => {
  async function seen() {
    const made = await place(['presence', 'dialog'])
    const { tybalt, juliet } = made
    const state = await tybalt.next()
    await tybalt.notify(state, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open', note: 'At home' }))
    expect(shown(await presenceFrom(juliet, BARE))).toBe('subscribed')
    expect(shown(await presenceFrom(juliet, BARE))).toBe('available · At home')
    const calls = await tybalt.next()
    expect([calls.headers.get('Event'), calls.headers.get('Accept')]).toEqual(['dialog', DIALOG_INFO])
    return { ...made, state, calls }
  }

  test('shows the call on his devices, and what they were when it is over', async () => {
    const { tybalt, juliet, calls } = await seen()
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 1, 'early'))
    expect(shown(await presenceFrom(juliet, `${BARE}/desk`))).toBe('available · away · Ringing')
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 2, 'confirmed'))
    expect(shown(await presenceFrom(juliet, `${BARE}/desk`))).toBe('available · dnd · On the phone')
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 3, 'terminated'))
    expect(shown(await presenceFrom(juliet, `${BARE}/desk`))).toBe('available · At home')
  })

  test('what changes during the call is seen with the call over it, and an older document turns nothing back', async () => {
    const { tybalt, juliet, calls, state } = await seen()
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 7, 'confirmed'))
    await presenceFrom(juliet, BARE)
    await tybalt.notify(state, 'active;expires=3600', pidf(TYBALT, { id: 'pocket', basic: 'open' }))
    const now = [await presenceFrom(juliet, BARE), await presenceFrom(juliet, BARE)].map((one) => `${one.attr('from')} ${shown(one)}`)
    expect(now).toEqual([`${BARE}/pocket available · dnd · On the phone`, `${BARE}/desk unavailable`])
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 6, 'terminated'))
    expect((await settled(juliet)).filter(({ name }) => name === 'presence')).toEqual([])
  })

  test('both subscriptions end when she takes it back', async () => {
    const { tybalt, juliet, calls, state } = await seen()
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 1, 'early'))
    await presenceFrom(juliet, BARE)
    juliet.send(presence({ type: 'unsubscribe', to: BARE }))
    const ends = [await tybalt.next(), await tybalt.next()]
    expect(ends.map(({ headers }) => headers.get('Expires'))).toEqual(['0', '0'])
    expect(new Set(ends.map(({ headers }) => headers.get('Call-ID')))).toEqual(
      new Set([state.headers.get('Call-ID'), calls.headers.get('Call-ID')]),
    )
  })
})

describe('a PBX that serves one of them', () => {
  test('presence alone: it is asked for dialog once and never again', async () => {
    const { at, tybalt, juliet } = await place(['presence'])
    const state = await tybalt.next()
    await tybalt.notify(state, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
    await presenceFrom(juliet, BARE)
    await presenceFrom(juliet, BARE)
    await expect.poll(() => tybalt.unserved).toEqual(['dialog'])
    juliet.send(presence({ type: 'probe', to: BARE }))
    const nurse = await online(at, 'nurse', 'home')
    nurse.send(presence({ type: 'subscribe', to: BARE }))
    const another = await tybalt.next()
    await tybalt.notify(another, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
    await presenceFrom(nurse, BARE)
    await settled(nurse)
    expect(tybalt.unserved).toEqual(['dialog'])
  })

  test('dialog alone: that is the consent, and a device called telephone shows the calls', async () => {
    const { tybalt, juliet } = await place(['dialog'])
    const calls = await tybalt.next()
    expect([calls.headers.get('Event'), tybalt.unserved]).toEqual(['dialog', ['presence']])
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 0, 'terminated'))
    expect(shown(await presenceFrom(juliet, BARE))).toBe('subscribed')
    const there = await presenceFrom(juliet, BARE)
    expect([there.attr('from'), shown(there)]).toEqual([`${BARE}/telephone`, 'available'])
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 1, 'early'))
    expect(shown(await presenceFrom(juliet, BARE))).toBe('available · away · Ringing')
    await tybalt.notify(calls, 'terminated;reason=rejected')
    expect([shown(await presenceFrom(juliet, BARE)), shown(await presenceFrom(juliet, BARE))]).toEqual(['unavailable', 'unsubscribed'])
  })

  test('neither: that is a refusal', async () => {
    const { tybalt, juliet } = await place([])
    expect(shown(await presenceFrom(juliet, BARE))).toBe('unsubscribed')
    expect(tybalt.unserved).toEqual(['presence', 'dialog'])
  })
})
