/** Who may not call, and where the requests of a dialog do not lead; what telephones ask each other beside calls. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SipRequest } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import type { Caller } from '../support/caller.ts'
import { calling, ROMEO, talking } from '../support/calling.ts'
import { GATEWAY, type Town } from '../support/town.ts'

let verona: Town
let juliet: Caller
let romeo: Caller

beforeEach(async () => {
  ;({ verona, juliet, romeo } = await calling())
})
afterEach(() => verona.stop())

describe('who may not', () => {
  test('a stranger is refused and a local name without its password challenged, and nothing is kept of either', async () => {
    const answers: number[] = []
    for (let n = 0; n < 50; n++) {
      for (const from of ['sip:mallory@evil.example', 'sip:juliet@xmpp.example']) {
        juliet.send(
          juliet.make('INVITE', ROMEO, [
            ['Call-ID', `flood-${n}-${from}`],
            ['From', `<${from}>;tag=1`],
            ['To', `<${ROMEO}>`],
          ]),
        )
        answers.push((await juliet.response('INVITE')).status)
      }
    }
    expect(new Set(answers)).toEqual(new Set([403, 407]))
    expect(verona.stack.load).toMatchObject({ serving: 0, invites: 0, ringing: 0 })
    expect(romeo.untaken).toEqual([])
  })

  test('nobody is forwarded by a route that is not ours', async () => {
    const { caller } = await talking(juliet, romeo)
    const route = caller.routes[0] ?? ''
    const ids = (callId: string, more: readonly string[]) =>
      [
        ...more.map((one) => ['Route', one] as const),
        ['Call-ID', callId],
        ['From', `<${juliet.aor}>;tag=1`],
        ['To', `<${ROMEO}>;tag=2`],
      ] as const
    const forged = parseNameAddr(route).uri.replace(/^sip:..../, 'sip:AAAA')
    for (const [callId, routes] of [
      [caller.callId, [`<${forged}>`]],
      [caller.callId, ['<sip:192.0.2.1;lr>', '<sip:victim.example;lr>']],
      // Of one dialog in another.
      ['another', caller.routes],
    ] as const) {
      juliet.send(juliet.make('BYE', 'sip:victim@198.51.100.1', ids(callId, routes)))
      expect((await juliet.response('BYE')).status).toBe(403)
    }
    // Its ACK leads nowhere, either.
    juliet.send(juliet.make('ACK', 'sip:victim@198.51.100.1', ids('another', [route])))
    expect(romeo.untaken).toEqual([])
  })

  test('a route of ours leads to the other side of its dialog and nowhere else', async () => {
    const { caller } = await talking(juliet, romeo)
    const sentTo: string[] = []
    verona.network.intercept = ({ from, to }) => {
      if (from === `${GATEWAY.host}:5060`) sentTo.push(to)
      return 'pass'
    }
    const made = caller.make('INFO')
    juliet.send(new SipRequest('INFO', 'sip:victim@198.51.100.1:53', made.headers, made.body))
    await romeo.request('INFO')
    expect(sentTo).toEqual([`${romeo.host}:5060`])
  })

  test('a request that names a route behind us, before any dialog, is refused', async () => {
    const call = await juliet.call(ROMEO, [
      ['Route', '<sip:192.0.2.1;lr>'],
      ['Route', '<sip:victim.example;lr>'],
    ])
    expect((await call.refused()).status).toBe(403)
  })

  test('with a hop too many, an extension we have not, or a dialog nobody knows', async () => {
    expect((await juliet.ask('SUBSCRIBE', ROMEO, [['Proxy-Require', 'sec-agree']])).answer.status).toBe(420)
    const bye = juliet.make('BYE', ROMEO, [
      ['Call-ID', '1'],
      ['From', `<${juliet.aor}>;tag=1`],
      ['To', `<${ROMEO}>;tag=2`],
    ])
    juliet.send(bye)
    expect((await juliet.response('BYE')).status).toBe(481)
    // Nor by way of its outbound proxy, which we are.
    bye.headers.set('Via', (bye.headers.get('Via') ?? '').replace('branch=', 'branch=z9hG4bK'))
    bye.headers.append('Route', '<sip:192.0.2.1;lr>')
    juliet.send(bye)
    expect((await juliet.response('BYE')).status).toBe(481)
  })

  test('what telephones must not see is taken out: credentials of ours, another’s word for who calls, P-XMPP-Data', async () => {
    await juliet.call(ROMEO, [
      ['P-Asserted-Identity', '<sip:prince@xmpp.example>'],
      ['P-XMPP-Data', '<message/>'],
      ['Proxy-Authorization', 'Digest username="juliet", realm="pbx.example", nonce="1", uri="sip:x", response="1"'],
    ])
    const { headers } = (await romeo.rung()).invite
    expect(headers.has('P-Asserted-Identity')).toBe(false)
    expect(headers.has('P-XMPP-Data')).toBe(false)
    expect(headers.all('Proxy-Authorization')).toEqual([expect.stringContaining('pbx.example')])
  })
})

describe('what telephones ask each other outside a call', () => {
  test('SUBSCRIBE to what is the telephones’ own reaches the telephone, and its NOTIFY comes back', async () => {
    const asked = juliet.ask('SUBSCRIBE', ROMEO, [
      ['Event', 'call-completion'],
      ['Contact', `<${juliet.contact}>`],
    ])
    const heard = await romeo.request('SUBSCRIBE')
    const records = heard.headers.all('Record-Route').map((value) => ['Record-Route', value] as const)
    expect(records).toHaveLength(2)
    romeo.reply(heard, 200, 'there', [...records, ['Contact', `<${romeo.contact}>`], ['Expires', '60']])
    expect((await asked).answer.status).toBe(200)
    const notify = romeo.make('NOTIFY', juliet.contact, [
      ...heard.headers.values('Record-Route').map((value) => ['Route', value] as const),
      ['Call-ID', heard.headers.get('Call-ID') ?? ''],
      ['From', `${heard.headers.get('To')};tag=there`],
      ['To', heard.headers.get('From') ?? ''],
      ['Event', 'call-completion'],
    ])
    romeo.send(notify)
    juliet.reply(await juliet.request('NOTIFY'), 200, '')
    expect((await romeo.response('NOTIFY')).status).toBe(200)
  })

  test('SUBSCRIBE to an account without telephones, or to one’s own, is 489: nobody but us could notify', async () => {
    expect((await juliet.ask('SUBSCRIBE', 'sip:nurse@xmpp.example', [['Event', 'call-completion']])).answer.status).toBe(489)
    expect((await juliet.ask('SUBSCRIBE', 'sip:juliet@xmpp.example', [['Event', 'message-summary']])).answer.status).toBe(489)
  })

  test('OPTIONS to the gateway lists what it forwards', async () => {
    const { answer } = await juliet.ask('OPTIONS', 'sip:xmpp.example')
    expect(answer.headers.get('Allow')).toContain('INVITE, ACK, CANCEL, BYE')
  })
})
