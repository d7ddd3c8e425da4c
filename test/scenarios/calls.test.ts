/** Calls between telephones of the gateway: it carries what they say to each other, and keeps nothing of it. What they hear of each other goes past it. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { print } from '../../src/sip/codec.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import type { Caller, Side } from '../support/caller.ts'
import { MemoryPeer } from '../support/raw-sip.ts'
import { GATEWAY, type Town, town } from '../support/town.ts'

// Another stack has no proxy.
const OPTIONS = { stack: 'embedded', limits: { ringingMs: 300 } } as const
const ROMEO = 'sip:romeo@xmpp.example'

let verona: Town
let juliet: Caller
let romeo: Caller

beforeEach(async () => {
  verona = await town(OPTIONS)
  juliet = await verona.caller('juliet')
  romeo = await verona.caller('romeo')
})
afterEach(() => verona.stop())

/** A call that was answered. */
async function talking(from: Caller = juliet, to: Caller = romeo): Promise<{ caller: Side; called: Side }> {
  const call = await from.call(to.aor)
  const rung = await to.rung()
  rung.answer()
  const caller = await call.answered()
  return { caller, called: await rung.talking() }
}

describe('a call', () => {
  test('rings, is answered and ended by who called', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    expect(rung.invite.uri).toBe(romeo.contact)
    expect(rung.invite.body.toString()).toContain('c=IN IP4 192.0.2.99')
    rung.ring()
    expect((await call.progress(180)).headers.all('Via')).toEqual(
      call.invite.headers.all('Via').map((via) => expect.stringContaining(via.slice(0, 40))),
    )
    rung.answer()
    const side = await call.answered()
    await rung.talking()
    const bye = side.bye()
    await romeo.request('BYE').then((request) => romeo.reply(request, 200, ''))
    expect((await bye).status).toBe(200)
    expect(verona.stack.load).toMatchObject({ serving: 0, waiting: 0, ringing: 0 })
  })

  test('is ended by who was called', async () => {
    const { caller, called } = await talking()
    const bye = called.bye()
    const heard = await caller.hungUp()
    expect(heard.uri).toBe(juliet.contact)
    expect(heard.headers.has('Route')).toBe(false)
    expect((await bye).status).toBe(200)
  })

  test('is put on hold and taken up again by requests of its dialog', async () => {
    const { caller, called } = await talking()
    for (const [asking, asked] of [
      [caller, called],
      [called, caller],
    ] as const) {
      const invite = asking.send('INVITE', [['Contact', `<${asking.phone.contact}>`]], 'a=sendonly')
      const heard = await asked.phone.request('INVITE')
      expect(heard.body.toString()).toBe('a=sendonly')
      asked.phone.reply(heard, 200, '', [['Contact', `<${asked.phone.contact}>`]])
      expect((await asking.phone.response('INVITE')).status).toBe(200)
      asking.send('ACK', [['CSeq', (invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK')]])
      await asked.phone.request('ACK')
    }
  })

  test.each(['INFO', 'UPDATE', 'REFER', 'NOTIFY', 'MESSAGE', 'PRACK'])('carries %s from end to end', async (method) => {
    const { caller, called } = await talking()
    const sent = called.send(method, [['X-Said', 'in the dialog']], 'abc')
    const heard = await caller.phone.request(method)
    expect(heard.headers.get('X-Said')).toBe('in the dialog')
    expect(heard.headers.get('Call-ID')).toBe(sent.headers.get('Call-ID'))
    caller.phone.reply(heard, 488, '')
    expect((await called.phone.response(method)).status).toBe(488)
  })

  test('says that we stay in its way, once for each side, and counts its hops', async () => {
    await juliet.call(ROMEO, [['Max-Breadth', '7']])
    const { invite } = await romeo.rung()
    const records = invite.headers.values('Record-Route')
    expect(records).toHaveLength(2)
    for (const record of records) expect(record).toMatch(/^<sip:[\w-]+@192\.0\.2\.1:5060;lr>$/)
    expect(invite.headers.get('Max-Forwards')).toBe('69')
    expect(invite.headers.get('Max-Breadth')).toBe('7')
    expect(invite.headers.values('Via')).toHaveLength(2)
  })

  test('over TCP reaches a telephone over UDP, each by its own transport', async () => {
    const nurse = await verona.caller('nurse', { transport: 'tcp' })
    const { caller, called } = await talking(nurse, romeo)
    const bye = called.bye()
    await caller.hungUp()
    expect((await bye).status).toBe(200)
    const back = await talking(romeo, nurse)
    expect(back.called.routes.map((route) => /transport=(\w+)/.exec(route)?.[1])).toEqual(['tcp', undefined])
    const end = back.caller.bye()
    await back.called.hungUp()
    expect((await end).status).toBe(200)
  })

  test('reaches a telephone behind an address translator, also later in the dialog', async () => {
    const nurse = await verona.caller('nurse', { contactHost: '10.0.0.7', port: 40_123 })
    const { caller, called } = await talking(juliet, nurse)
    const bye = caller.bye()
    const heard = await called.hungUp()
    expect(heard.uri).toBe('sip:nurse@10.0.0.7:40123')
    expect((await bye).status).toBe(200)
    const other = await talking(nurse, juliet)
    const end = other.called.bye()
    await other.caller.hungUp()
    expect((await end).status).toBe(200)
  })

  test('to one device by its gr rings there alone', async () => {
    const desk = await verona.caller('nurse')
    const hall = await verona.caller('nurse')
    const instance = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
    await hall.register([], `;+sip.instance="<${instance}>"`)
    await juliet.call(`sip:nurse@xmpp.example;gr=${instance}`)
    expect((await hall.rung()).invite.uri).toBe(hall.contact)
    expect(desk.untaken).toEqual([])
    const { answer } = await refusedAt('sip:nurse@xmpp.example;gr=urn:uuid:nobody')
    expect(answer.status).toBe(480)
  })

  test('takes the path its telephone registered by', async () => {
    await romeo.register([['Path', '<sip:edge.example;lr>']])
    await juliet.call(ROMEO)
    expect((await romeo.rung()).invite.headers.all('Route')).toEqual(['<sip:edge.example;lr>'])
  })
})

describe('a call to several telephones', () => {
  test('is answered by one, and the other stops ringing without a missed call', async () => {
    const orchard = await verona.caller('romeo')
    const call = await juliet.call(ROMEO)
    const [cell, other] = [await romeo.rung(), await orchard.rung()]
    cell.ring()
    other.ring()
    await call.progress(180)
    await call.progress(180)
    other.answer()
    await call.answered()
    const cancel = await cell.cancelled()
    expect(cancel.headers.get('Reason')).toMatch(/^SIP;cause=200/)
    await other.talking()
    expect(juliet.untaken).toEqual([])
  })

  test('is not forked further than Max-Breadth allows', async () => {
    await verona.caller('romeo')
    const call = await juliet.call(ROMEO, [['Max-Breadth', '1']])
    expect((await call.refused()).status).toBe(440)
  })

  test('that all refuse ends with the best of their answers', async () => {
    const orchard = await verona.caller('romeo')
    const call = await juliet.call(ROMEO)
    const [cell, other] = [await romeo.rung(), await orchard.rung()]
    await cell.refuse(480)
    await other.refuse(486)
    expect((await call.refused()).status).toBe(486)
  })

  test('that one declines for good rings nowhere any more', async () => {
    const orchard = await verona.caller('romeo')
    const call = await juliet.call(ROMEO)
    const [cell, other] = [await romeo.rung(), await orchard.rung()]
    cell.ring()
    await call.progress(180)
    await other.refuse(603)
    await cell.cancelled()
    expect((await call.refused()).status).toBe(603)
  })

  test('answered by two at once gives both answers to the caller', async () => {
    const orchard = await verona.caller('romeo')
    const call = await juliet.call(ROMEO)
    const [cell, other] = [await romeo.rung(), await orchard.rung()]
    cell.answer()
    other.answer()
    const [first, second] = [await call.answered(), await call.answered()]
    expect(first.remote).not.toBe(second.remote)
    const bye = second.bye()
    await Promise.race([
      romeo.request('BYE').then((one) => romeo.reply(one, 200, '')),
      orchard.request('BYE').then((one) => orchard.reply(one, 200, '')),
    ])
    expect((await bye).status).toBe(200)
  })

  test('of his own account rings at the others alone', async () => {
    const orchard = await verona.caller('romeo')
    await romeo.call(ROMEO)
    expect((await orchard.rung()).invite.uri).toBe(orchard.contact)
    expect(romeo.untaken.filter((one) => one !== 100)).toEqual([])
  })
})

describe('a caller who changes his mind', () => {
  test('is told 487, and it stops ringing', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    rung.ring()
    await call.progress(180)
    expect((await call.cancel('SIP;cause=487;text="Not now"')).status).toBe(200)
    const cancel = await rung.cancelled()
    expect(cancel.headers.get('Reason')).toBe('SIP;cause=487;text="Not now"')
    expect(cancel.headers.get('Via')).toBe(rung.invite.headers.get('Via'))
    expect((await call.refused()).status).toBe(487)
    expect(verona.stack.load.ringing).toBe(0)
  })

  test('before it rings, too: the CANCEL waits until it does', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    await call.cancel()
    expect(romeo.untaken).toEqual([])
    rung.ring()
    await rung.cancelled()
    expect((await call.refused()).status).toBe(487)
  })

  test('too late hears the answer all the same, and ends the call', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    rung.ring()
    await call.progress(180)
    await call.cancel()
    romeo.reply(await romeo.request('CANCEL'), 481, '')
    rung.answer()
    const side = await call.answered()
    await rung.talking()
    const bye = side.bye()
    romeo.reply(await romeo.request('BYE'), 200, '')
    expect((await bye).status).toBe(200)
  })

  test('after the answer changes nothing', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    rung.answer()
    await call.answered()
    await rung.talking()
    expect((await call.cancel()).status).toBe(200)
    expect(romeo.untaken).toEqual([])
  })
})

describe('a call that nobody takes', () => {
  for (const status of [404, 486, 488, 302]) {
    test(`because the telephone says ${status} is told so`, async () => {
      const call = await juliet.call(ROMEO)
      await (await romeo.rung()).refuse(status, status === 302 ? [['Contact', '<sip:mantua@xmpp.example>']] : [])
      const answer = await call.refused()
      expect(answer.status).toBe(status)
      if (status === 302) expect(answer.headers.get('Contact')).toBe('<sip:mantua@xmpp.example>')
    })
  }

  test('because the telephone is overloaded is not our overload', async () => {
    const call = await juliet.call(ROMEO)
    await (await romeo.rung()).refuse(503)
    expect((await call.refused()).status).toBe(500)
  })

  test('though it rings ends by Timer C with 408', async () => {
    const call = await juliet.call(ROMEO)
    const rung = await romeo.rung()
    rung.ring()
    await call.progress(180)
    await rung.cancelled()
    expect((await call.refused()).status).toBe(408)
  })

  test('because the telephone is silent ends by Timer B with 408', async () => {
    const quick = await town({ ...OPTIONS, limits: {}, t1Ms: 5 })
    try {
      const caller = await quick.caller('juliet')
      const silent = await quick.caller('romeo')
      const call = await caller.call(ROMEO)
      await silent.rung()
      expect((await call.refused()).status).toBe(408)
      expect(quick.stack.load.ringing).toBe(0)
    } finally {
      await quick.stop()
    }
  })

  test('because the connection of the telephone is gone is told at once', async () => {
    const nurse = await verona.caller('nurse', { transport: 'tcp' })
    nurse.leave()
    const call = await juliet.call('sip:nurse@xmpp.example')
    expect((await call.refused()).status).toBe(500)
  })

  test('because there is no telephone, only a client, is 480; to nobody 404; to elsewhere 404', async () => {
    await verona.client('nurse')
    expect((await refusedAt('sip:nurse@xmpp.example')).answer.status).toBe(480)
    expect((await refusedAt('sip:rosaline@xmpp.example')).answer.status).toBe(404)
    expect((await refusedAt('sip:romeo@mantua.example')).answer.status).toBe(404)
    expect((await refusedAt('sip:xmpp.example')).answer.status).toBe(404)
  })
})

/** Past the challenge, to the refusal. */
async function refusedAt(to: string, fields: readonly (readonly [string, string])[] = [], method = 'INVITE') {
  if (method !== 'INVITE') return juliet.ask(method, to, fields)
  const call = await juliet.call(to, fields)
  return { answer: await call.refused() }
}

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
    const { caller } = await talking()
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
    const { caller } = await talking()
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
    const answer = await refusedAt(ROMEO, [
      ['Route', '<sip:192.0.2.1;lr>'],
      ['Route', '<sip:victim.example;lr>'],
    ])
    expect(answer.answer.status).toBe(403)
  })

  test('with a hop too many, an extension we have not, or a dialog nobody knows', async () => {
    expect((await refusedAt(ROMEO, [['Proxy-Require', 'sec-agree']], 'SUBSCRIBE')).answer.status).toBe(420)
    const bye = juliet.make('BYE', ROMEO, [
      ['Call-ID', '1'],
      ['From', `<${juliet.aor}>;tag=1`],
      ['To', `<${ROMEO}>;tag=2`],
    ])
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
  test('SUBSCRIBE reaches the telephone, and its NOTIFY comes back', async () => {
    const asked = juliet.ask('SUBSCRIBE', ROMEO, [
      ['Event', 'dialog'],
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
      ['Event', 'dialog'],
    ])
    romeo.send(notify)
    juliet.reply(await juliet.request('NOTIFY'), 200, '')
    expect((await romeo.response('NOTIFY')).status).toBe(200)
  })

  test('SUBSCRIBE to an account without telephones, or to one’s own, is 489: nobody but us could notify', async () => {
    expect((await refusedAt('sip:nurse@xmpp.example', [['Event', 'presence']], 'SUBSCRIBE')).answer.status).toBe(489)
    expect((await refusedAt('sip:juliet@xmpp.example', [['Event', 'message-summary']], 'SUBSCRIBE')).answer.status).toBe(489)
  })

  test('OPTIONS to the gateway lists what it forwards', async () => {
    const { answer } = await juliet.ask('OPTIONS', 'sip:xmpp.example')
    expect(answer.headers.get('Allow')).toContain('INVITE, ACK, CANCEL, BYE')
  })
})

describe('a network that loses packets', () => {
  test('sends the INVITE again, repeats an answer that was lost, and its ACK', async () => {
    const lossy = await town({ ...OPTIONS, isLossy: true })
    try {
      const caller = await lossy.caller('juliet')
      const called = await lossy.caller('romeo')
      const call = await caller.call(ROMEO)
      const rung = await called.rung()
      await called.request('INVITE') // again, as nobody said that it rings
      rung.answer()
      const answer = await caller.response('INVITE', 200, 299)
      rung.answer() // as the ACK is not there
      const again = await caller.response('INVITE', 200, 299)
      expect(again.headers.list).toEqual(answer.headers.list)
      call.sideOf(again).send('ACK', [['CSeq', (call.invite.headers.get('CSeq') ?? '').replace('INVITE', 'ACK')]])
      await rung.talking()
      // The INVITE that comes late is absorbed.
      caller.send(call.invite)
      const bye = call.sideOf(again).bye()
      called.reply(await called.request('BYE'), 200, '')
      expect((await bye).status).toBe(200)
    } finally {
      await lossy.stop()
    }
  })

  test('an INVITE that comes again while it rings hears again that it rings, and rings once', async () => {
    const lossy = await town({ ...OPTIONS, isLossy: true })
    try {
      const caller = await lossy.caller('juliet')
      const called = await lossy.caller('romeo')
      const call = await caller.call(ROMEO)
      const rung = await called.rung()
      rung.ring()
      await call.progress(180)
      caller.send(call.invite)
      await call.progress(180)
      await rung.refuse(486)
      expect((await call.refused()).status).toBe(486)
      expect(called.untaken.filter((one) => one === 'INVITE')).toEqual([])
    } finally {
      await lossy.stop()
    }
  })
})

test('a call that comes by two roads rings once; the other one is a loop', async () => {
  const between = await town({ ...OPTIONS, trusted: ['192.0.2.66'] })
  try {
    const called = await between.caller('romeo')
    const peer = new MemoryPeer(between.network, '192.0.2.66', 5_060)
    for (const branch of ['z9hG4bKone', 'z9hG4bKother']) {
      const headers = new Headers([
        'Via',
        `SIP/2.0/UDP 192.0.2.66;branch=${branch}`,
        'Max-Forwards',
        '70',
        'Call-ID',
        'twice',
        'CSeq',
        '1 INVITE',
      ])
      headers.append('From', '<sip:paris@partner.example>;tag=1')
      headers.append('To', `<${ROMEO}>`)
      headers.append('P-Asserted-Identity', '<sip:paris@partner.example>')
      peer.send(print(new SipRequest('INVITE', ROMEO, headers, Buffer.alloc(0))), GATEWAY.host, GATEWAY.port)
    }
    expect((await called.rung()).invite.headers.get('P-Asserted-Identity')).toBe('<sip:paris@partner.example>')
    expect((await peer.response()).status).toBe(482)
    expect(called.untaken).toEqual([])
  } finally {
    await between.stop()
  }
})

test('callers hear that the gateway stops, and telephones stop ringing', async () => {
  const call = await juliet.call(ROMEO)
  const rung = await romeo.rung()
  rung.ring()
  await call.progress(180)
  const stopped = verona.stack.stop(500)
  const [refused] = await Promise.all([call.refused(), rung.cancelled()])
  expect(refused.status).toBe(503)
  await stopped
})
