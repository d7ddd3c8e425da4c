/** What strangers and their notifiers do to presence that they should not, and the answers of RFC 6665 and 8048 that are seldom given. */
import { describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { response, type SipRequest } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { online, presence, settled } from '../support/friends.ts'
import { dialogInfo, PresenceAgent, pidf, stateOf } from '../support/presence-agent.ts'
import { JULIET, PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { condition } from '../support/stanzas.ts'
import { presenceFrom, shown } from '../support/telephone-watcher.ts'

const routes = [{ match: 'pbx.example', to: `sip:${PBX}` }]
const BARE = 'tybalt@pbx.example'

async function place() {
  const at = await verona({ routes })
  const tybalt = new PresenceAgent(await party(at), TYBALT, PBX)
  const juliet = await online(at, 'juliet', 'balcony')
  return { at, tybalt, juliet }
}

/** juliet sees tybalt's desk. */
async function seeing() {
  const made = await place()
  const { tybalt, juliet } = made
  juliet.send(presence({ type: 'subscribe', to: BARE }))
  const subscribe = await tybalt.next()
  await tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
  expect(shown(await presenceFrom(juliet, BARE))).toBe('subscribed')
  expect(shown(await presenceFrom(juliet, BARE))).toBe('available')
  return { ...made, subscribe }
}

/** tybalt may see juliet, and does. */
async function seen() {
  const made = await place()
  const { tybalt, juliet } = made
  const watching = await tybalt.watch(JULIET)
  await tybalt.next()
  expect(shown(await presenceFrom(juliet, BARE))).toBe('subscribe')
  juliet.send(presence({ type: 'subscribed', to: BARE }))
  while (!(await tybalt.next()).body.includes('open'));
  return { ...made, watching }
}

const presencesOf = (heard: Awaited<ReturnType<typeof settled>>) => heard.filter(({ name }) => name === 'presence')

/** Whatever this party says to a SUBSCRIBE that satisfies the test comes from here, and the rest from its agent. */
function answering(agent: PresenceAgent, answer: (request: SipRequest) => ReturnType<typeof response> | undefined): void {
  const { answer: otherwise } = agent.party
  agent.party.answer = (request) => {
    const own = request.method === 'SUBSCRIBE' ? answer(request) : undefined
    if (own) return own
    return typeof otherwise === 'function' ? otherwise(request) : response(200)
  }
}

describe('a notifier elsewhere', () => {
  test('that wants longer subscriptions (423) is asked for as long as it wants', async () => {
    const { tybalt, juliet } = await place()
    answering(tybalt, ({ headers }) =>
      headers.get('Expires') === '7200' ? undefined : response(423, undefined, [['Min-Expires', '7200']]),
    )
    juliet.send(presence({ type: 'subscribe', to: BARE }))
    const subscribe = await tybalt.next()
    expect(subscribe.headers.get('Expires')).toBe('7200')
    await tybalt.notify(subscribe, 'active;expires=7200', pidf(TYBALT, { id: 'desk', basic: 'open' }))
    expect(shown(await presenceFrom(juliet, BARE))).toBe('subscribed')
  })

  for (const [status, wanted] of [
    [401, 'not-authorized'],
    [407, 'registration-required'],
  ] as const)
    test(`that asks for a password nobody has (${status}) is an error, and no refusal`, async () => {
      const { tybalt, juliet } = await place()
      const field = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate'
      answering(tybalt, () => response(status, undefined, [[field, 'Digest realm="pbx.example", nonce="1"']]))
      juliet.send(presence({ type: 'subscribe', to: BARE }))
      expect(condition(await presenceFrom(juliet, BARE))).toBe(wanted)
      expect(presencesOf(await settled(juliet))).toEqual([])
    })

  test('that says pending is no presence at all', async () => {
    const { tybalt, juliet } = await place()
    juliet.send(presence({ type: 'subscribe', to: BARE }))
    const subscribe = await tybalt.next()
    expect((await tybalt.notify(subscribe, 'pending;expires=3600')).status).toBe(200)
    expect(presencesOf(await settled(juliet))).toEqual([])
  })

  const bomb = `<?xml version="1.0"?><!DOCTYPE presence [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>${pidf(TYBALT, { id: 'desk', basic: 'open', note: '&b;' }).slice(21)}`
  for (const [what, body] of [
    ['with a document type and entities', bomb],
    ['that is cut off', pidf(TYBALT, { id: 'desk', basic: 'closed' }).slice(0, -20)],
    ['that is another kind of XML', '<html xmlns="http://www.w3.org/1999/xhtml"/>'],
    ['that is nested without end', `<presence xmlns="urn:ietf:params:xml:ns:pidf">${'<a>'.repeat(5_000)}`],
  ] as const)
    test(`who sends a document ${what} hears 400, and nothing of it is shown`, async () => {
      const { tybalt, juliet, subscribe } = await seeing()
      expect((await tybalt.notify(subscribe, 'active;expires=3600', body)).status).toBe(400)
      expect(presencesOf(await settled(juliet))).toEqual([])
      // The dialog is none the worse for it.
      await tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'closed' }))
      expect(shown(await presenceFrom(juliet, BARE))).toBe('unavailable')
    })

  test('of calls with two telephones is two dialogs, and either shows him on the phone', async () => {
    const { tybalt, juliet } = await place()
    tybalt.packages = ['presence', 'dialog']
    juliet.send(presence({ type: 'subscribe', to: BARE }))
    const state = await tybalt.next()
    await tybalt.notify(state, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
    await presenceFrom(juliet, BARE)
    await presenceFrom(juliet, BARE)
    const calls = await tybalt.next()
    const second = [['From', `<${TYBALT}>;tag=another-telephone`]] as const
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 1, 'early'))
    expect(shown(await presenceFrom(juliet, BARE))).toBe('available · away · Ringing')
    expect((await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 1, 'confirmed'), second)).status).toBe(200)
    expect(shown(await presenceFrom(juliet, BARE))).toBe('available · dnd · On the phone')
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 2, 'terminated'))
    expect(presencesOf(await settled(juliet))).toEqual([])
    await tybalt.notify(calls, 'active;expires=3600', dialogInfo(TYBALT, 2, 'terminated'), second)
    expect(shown(await presenceFrom(juliet, BARE))).toBe('available')
  })

  test('of presence that forks has one dialog: who comes second hears 481', async () => {
    const { tybalt, juliet, subscribe } = await seeing()
    const second = [['From', `<${TYBALT}>;tag=another-telephone`]] as const
    const answer = await tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'closed' }), second)
    expect(answer.status).toBe(481)
    expect(presencesOf(await settled(juliet))).toEqual([])
  })
})

describe('an XMPP user', () => {
  test('who sends an error to a SIP user gets no error for it, and nothing goes out', async () => {
    const { tybalt, juliet } = await place()
    juliet.send(presence({ type: 'error', to: BARE, id: 'e' }, el('error', NS_CLIENT, { type: 'cancel' })))
    expect(await settled(juliet)).toEqual([])
    expect(tybalt.party.requests).toEqual([])
  })

  test('who was never let in and asks how somebody is, is a single look at him, by his own notifier’s leave', async () => {
    const { at, tybalt, juliet } = await seeing()
    const nurse = await online(at, 'nurse', 'kitchen')
    nurse.send(presence({ type: 'probe', to: BARE }))
    const look = await tybalt.next()
    expect([look.headers.get('Expires'), look.headers.get('From')?.replace(/;tag=.*/, '')]).toEqual(['0', '<sip:nurse@xmpp.example>'])
    await tybalt.notify(look, 'terminated;reason=rejected')
    expect(presencesOf(await settled(nurse))).toEqual([])
    // Nor does what juliet sees tell her anything.
    expect(presencesOf(await settled(juliet))).toEqual([])
  })

  test('whose names and words hold line breaks adds no header field to anything', async () => {
    const { tybalt, juliet } = await seen()
    const evil = 'Juliet\r\nX-Evil: 1\r\n\r\nMESSAGE'
    juliet.send(presence({}, el('status', NS_CLIENT, {}, evil), el('nick', 'http://jabber.org/protocol/nick', {}, evil)))
    const nick = el('nick', 'http://jabber.org/protocol/nick', {}, evil)
    juliet.send(presence({ type: 'subscribe', to: BARE }, nick, el('status', NS_CLIENT, {}, evil)))
    const heard = [await tybalt.next(), await tybalt.next()]
    expect(new Set(heard.map(({ method }) => method))).toContain('SUBSCRIBE')
    for (const { headers } of heard) {
      expect(headers.has('X-Evil')).toBe(false)
      for (const text of headers.list) expect(text).not.toMatch(/[\r\n\0]/)
    }
  }, 15_000)
})

describe('a SIP user elsewhere', () => {
  test('who may see her looks once and sees her, with no dialog of his', async () => {
    const { tybalt, watching } = await seen()
    await watching.subscribe(0)
    expect(stateOf(await tybalt.next())).toBe('terminated timeout')
    expect((await tybalt.watch(JULIET, { expires: 0 })).last.status).toBe(200)
    const told = await tybalt.next()
    expect(stateOf(told)).toBe('terminated timeout')
    expect(told.body.toString()).toContain('<basic>open</basic>')
  }, 15_000)

  test('who takes a sips: address for her is refused', async () => {
    const { tybalt, juliet } = await place()
    expect((await tybalt.watch('sips:juliet@xmpp.example')).last.status).toBe(403)
    expect(await settled(juliet)).toEqual([])
  })

  test('whom nobody trusts says nothing by P-XMPP-Data', async () => {
    const { tybalt, juliet } = await place()
    const data =
      "<presence xmlns='jabber:client' from='romeo@xmpp.example' to='juliet@xmpp.example' type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>Romeo</nick></presence>"
    const answer = await tybalt.party.send('SUBSCRIBE', TYBALT, JULIET, '', [
      ['Event', 'presence'],
      ['Expires', '3600'],
      ['Accept', 'application/pidf+xml'],
      ['Contact', tybalt.contact],
      ['P-XMPP-Data', data],
    ])
    expect(answer.status).toBe(200)
    const request = await presenceFrom(juliet, '')
    expect([request.attr('from'), request.attr('type'), request.elements().length]).toEqual([BARE, 'subscribe', 0])
  })

  test('who watches a thousand of ours is not let in by the next, and the others stay', async () => {
    const { at, tybalt } = await place()
    const like = await at.store.accounts.find(Jid.parse('nurse@xmpp.example'))
    if (!like) throw new Error('there is no nurse')
    for (let i = 0; i <= 1_000; i++) at.store.accounts.add(Jid.parse(`guest${i}@xmpp.example`), like.credentials)
    for (let i = 0; i < 1_000; i++) {
      await tybalt.watch(`sip:guest${i}@xmpp.example`)
      expect(stateOf(await tybalt.next())).toBe('pending')
    }
    await tybalt.watch('sip:guest1000@xmpp.example')
    let told = await tybalt.next()
    if (stateOf(told) === 'pending') told = await tybalt.next()
    expect(told.headers.get('Subscription-State')).toMatch(/^terminated;reason=probation;retry-after=3600/)
  }, 30_000)
})
