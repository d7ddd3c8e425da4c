/** Presence over SIP where packets and telephones get lost: every view is right again, and how long that takes is said. */
import { afterEach, describe, expect, test } from 'vitest'
import type { SipRequest } from '../../src/sip/message.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { PresenceAgent, pidf } from '../support/presence-agent.ts'
import { JULIET, PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import type { Town } from '../support/town.ts'

const BARE = 'tybalt@pbx.example'
/** Of the towns: Timer F is 3.2 s. */
const T1_MS = 50
const TIMER_F_MS = 64 * T1_MS
/** As core/subscriptions has them: from one NOTIFY to the next, and after one that got no answer. */
const [APART_MS, AGAIN_MS] = [5_000, 1_000]

const ending: (() => void)[] = []
afterEach(() => {
  for (const end of ending.splice(0)) end()
})

const presence = (type: string | undefined, to?: string, ...children: Element[]): Element =>
  el('presence', NS_CLIENT, { type, to }, ...children)

interface Place {
  readonly at: Town
  readonly tybalt: PresenceAgent
  readonly juliet: Client
}

async function place(): Promise<Place> {
  const at = await verona({ routes: [{ match: 'pbx.example', to: `sip:${PBX}` }], t1Ms: T1_MS, isLossy: true })
  const juliet = await at.silentClient('juliet')
  juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'roster' }, el('query', 'jabber:iq:roster')))
  await juliet.receive()
  juliet.send(presence(undefined))
  return { at, tybalt: new PresenceAgent(await party(at), TYBALT, PBX), juliet }
}

async function from(client: Client, bare: string): Promise<Element> {
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'presence' && stanza.attr('from')?.startsWith(bare)) return stanza
  }
}

const said = (stanza: Element): string => `${stanza.attr('type') ?? 'available'} ${stanza.child('status')?.text() ?? ''}`.trim()

/** The next NOTIFY with that text. */
async function told(agent: PresenceAgent, text: string): Promise<SipRequest> {
  for (;;) {
    const request = await agent.next()
    if (request.method === 'NOTIFY' && request.body.toString().includes(text)) return request
  }
}

/** Tybalt may see her, and does. */
async function seen({ tybalt, juliet }: Place): Promise<void> {
  await tybalt.watch(JULIET)
  await tybalt.next()
  await from(juliet, BARE)
  juliet.send(presence('subscribed', BARE))
  await told(tybalt, 'open')
}

/** She may see him, and does. */
async function sees({ tybalt, juliet }: Place, expires = 3_600): Promise<SipRequest> {
  juliet.send(presence('subscribe', BARE))
  const subscribe = await tybalt.next()
  await tybalt.notify(subscribe, `active;expires=${expires}`, pidf(TYBALT, { id: 'desk', basic: 'open', note: 'here' }))
  expect(said(await from(juliet, BARE))).toBe('subscribed')
  expect(said(await from(juliet, BARE))).toBe('available here')
  return subscribe
}

/** Packets that begin with this are lost, so many of them. */
function losing({ at }: Place, start: string, many: number): { lost: number } {
  const loss = { lost: 0 }
  at.network.intercept = ({ bytes }) => {
    if (
      loss.lost >= many ||
      !bytes
        .subarray(0, start.length + 200)
        .toString()
        .startsWith(start)
    )
      return 'pass'
    loss.lost++
    return 'drop'
  }
  ending.push(() => {
    at.network.intercept = undefined
  })
  return loss
}

const away = (text: string): Element => presence(undefined, undefined, el('show', NS_CLIENT, {}, 'away'), el('status', NS_CLIENT, {}, text))

describe('a SIP user who watches juliet', () => {
  for (const [what, start] of [
    ['a NOTIFY', 'NOTIFY '],
    ['the 200 of a NOTIFY', 'SIP/2.0 200 OK'],
  ] as const)
    test(`sees what she says though ${what} is lost, once`, async () => {
      const here = await place()
      await seen(here)
      const loss = losing(here, start, 1)
      here.juliet.send(away('one packet'))
      await told(here.tybalt, 'one packet')
      here.juliet.send(away('the next'))
      await told(here.tybalt, 'the next')
      expect(loss.lost).toBe(1)
      expect(here.tybalt.unread).toBe(0)
    }, 20_000)

  test('sees it though nothing came through for as long as a request lasts', async () => {
    const here = await place()
    await seen(here)
    const begun = performance.now()
    let lost: string | undefined
    here.at.network.intercept = ({ bytes }) => {
      const text = bytes.toString()
      if (!text.startsWith('NOTIFY ')) return 'pass'
      const cseq = /^CSeq: .*$/m.exec(text)?.[0]
      lost ??= cseq
      return cseq === lost ? 'drop' : 'pass'
    }
    here.juliet.send(away('behind a tunnel'))
    await told(here.tybalt, 'behind a tunnel')
    const took = performance.now() - begun
    // It waits for its turn, is given up, and is said again a second later.
    expect(took).toBeGreaterThan(TIMER_F_MS)
    expect(took).toBeLessThan(APART_MS + TIMER_F_MS + AGAIN_MS + 2_000)
  }, 30_000)
})

describe('juliet, who watches a SIP user', () => {
  test('sees what he says though our 200 to his NOTIFY is lost, and sees it once', async () => {
    const here = await place()
    const subscribe = await sees(here)
    const loss = losing(here, 'SIP/2.0 200 OK', 1)
    const answer = await here.tybalt.notify(
      subscribe,
      'active;expires=3600',
      pidf(TYBALT, { id: 'desk', basic: 'open', note: 'in a meeting' }),
    )
    expect([answer.status, loss.lost]).toEqual([200, 1])
    expect(said(await from(here.juliet, BARE))).toBe('available in a meeting')
    await here.tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'closed' }))
    expect(said(await from(here.juliet, BARE))).toBe('unavailable')
  })

  test('is not turned back by a NOTIFY that comes late', async () => {
    const here = await place()
    const subscribe = await sees(here)
    const late = [['CSeq', '6 NOTIFY']] as const
    const now = [['CSeq', '7 NOTIFY']] as const
    const closed = pidf(TYBALT, { id: 'desk', basic: 'closed' })
    expect((await here.tybalt.notify(subscribe, 'active;expires=3600', closed, now)).status).toBe(200)
    expect(said(await from(here.juliet, BARE))).toBe('unavailable')
    const open = pidf(TYBALT, { id: 'desk', basic: 'open', note: 'of yesterday' })
    expect((await here.tybalt.notify(subscribe, 'active;expires=3600', open, late)).status).toBe(500)
    const next = [['CSeq', '8 NOTIFY']] as const
    await here.tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open', note: 'of today' }), next)
    expect(said(await from(here.juliet, BARE))).toBe('available of today')
  })

  test('a telephone that disappears is gone for her when its time is over, and there again when it answers', async () => {
    const here = await place()
    await sees(here, 7)
    const begun = performance.now()
    here.tybalt.party.answer = 'never'
    expect(said(await from(here.juliet, BARE))).toBe('unavailable')
    const goneAfter = performance.now() - begun
    expect(goneAfter).toBeLessThan(7_000 + TIMER_F_MS + 5_000)
    const back = new PresenceAgent(here.tybalt.party, TYBALT, PBX)
    const subscribe = await back.next()
    await back.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open', note: 'back' }))
    expect(said(await from(here.juliet, BARE))).toBe('available back')
  }, 50_000)

  test('a PBX that was restarted, and knows nothing of her any more, is asked anew with the next refresh', async () => {
    const here = await place()
    const subscribe = await sees(here, 7)
    here.tybalt.answer = 481
    const refresh = await here.tybalt.next()
    here.tybalt.answer = 200
    expect(refresh.headers.get('Call-ID')).toBe(subscribe.headers.get('Call-ID'))
    const anew = await here.tybalt.next()
    expect(anew.headers.get('Call-ID')).not.toBe(subscribe.headers.get('Call-ID'))
    await here.tybalt.notify(anew, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open', note: 'anew' }))
    expect(said(await from(here.juliet, BARE))).toBe('available anew')
  }, 30_000)
})

test('a telephone that watched and disappeared is let go after two NOTIFYs', async () => {
  const here = await place()
  await seen(here)
  here.tybalt.party.answer = 'never'
  const cseqs = new Set<string>()
  here.at.network.intercept = ({ bytes }) => {
    const text = bytes.toString()
    if (text.startsWith('NOTIFY ')) cseqs.add(/^CSeq: .*$/m.exec(text)?.[0] ?? '')
    return 'pass'
  }
  here.juliet.send(away('to nobody'))
  const begun = performance.now()
  // RFC 8048 §6.3.3: whoever watches no more is told as away.
  expect(said(await from(here.juliet, BARE))).toBe('unavailable')
  expect(performance.now() - begun).toBeLessThan(APART_MS + 2 * TIMER_F_MS + AGAIN_MS + 2_000)
  expect(cseqs.size).toBe(2)
}, 30_000)
