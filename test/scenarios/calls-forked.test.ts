/** Calls that ring at several telephones, that their caller ends early, or whose packets get lost. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { print } from '../../src/sip/codec.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'
import type { Caller } from '../support/caller.ts'
import { calling, ROMEO, WITH_CALLS } from '../support/calling.ts'
import { MemoryPeer } from '../support/raw-sip.ts'
import { GATEWAY, type Town, town } from '../support/town.ts'

let verona: Town
let juliet: Caller
let romeo: Caller

beforeEach(async () => {
  ;({ verona, juliet, romeo } = await calling())
})
afterEach(() => verona.stop())

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

describe('a network that loses packets', () => {
  test('sends the INVITE again, repeats an answer that was lost, and its ACK', async () => {
    const lossy = await town({ ...WITH_CALLS, isLossy: true })
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
    const lossy = await town({ ...WITH_CALLS, isLossy: true })
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
  const between = await town({ ...WITH_CALLS, trusted: ['192.0.2.66'] })
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
