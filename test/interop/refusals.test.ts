/** What a message that cannot be delivered comes back as: the condition in XMPP, the status in SIP (RFC 7247 §7). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { freePort } from './peers/ports.ts'
import { registerBySipp, Sipp, sendBySipp } from './peers/sipp.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

let gateway: Gateway
let juliet: XmppPeer
let romeo: XmppPeer

beforeAll(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo', 'nurse', 'tybalt')
  juliet = lacks('slixmpp') ? xmppClient(gateway.login('juliet', 'balcony')) : slixmpp(gateway.login('juliet', 'balcony'))
  romeo = xmppClient(gateway.login('romeo', 'orchard'))
  await Promise.all([juliet.online(), romeo.online()])
})
afterAll(async () => {
  await Promise.all([juliet?.leave(), romeo?.leave()])
  await gateway?.stop()
})

test('a message to an account with no device comes back as recipient-unavailable, to either client', async () => {
  for (const client of [juliet, romeo]) {
    const refusal = await client.refusal(client.say('tybalt@xmpp.example', 'Art thou there?'))
    expect(refusal).toMatchObject({ condition: 'recipient-unavailable', errorType: 'wait', from: 'tybalt@xmpp.example' })
  }
})

test('a message to a local name nobody has comes back as service-unavailable', async () => {
  for (const client of [juliet, romeo]) {
    const refusal = await client.refusal(client.say('nobody@xmpp.example', 'Is there anybody?'))
    expect(refusal).toMatchObject({ condition: 'service-unavailable', errorType: 'cancel', from: 'nobody@xmpp.example' })
  }
})

test.skipIf(lacks('sipp'))('a telephone that writes to a local name nobody has gets 404', async () => {
  expect(await sendBySipp(gateway.line('nurse'), 'nobody@xmpp.example', 'Is there anybody?')).toBe(404)
})

test.skipIf(lacks('sipp'))(
  'a telephone that writes to an account with no device gets 600: nobody can be reached there at all',
  async () => {
    // RFC 7247 §7.1, Table 2: 480 would speak of one device.
    expect(await sendBySipp(gateway.line('nurse'), 'tybalt@xmpp.example', 'Art thou there?')).toBe(600)
  },
)

test.skipIf(lacks('baresip'))('baresip shows its user 404 for a name nobody has', async () => {
  const phone = await Baresip.start({ ...gateway.line('nurse'), contact: 'sip:nobody@xmpp.example', certificate: gateway.certificate })
  try {
    await phone.registered()
    expect(await phone.say('Is there anybody?')).toMatchObject({ status: 404 })
  } finally {
    await phone.stop()
  }
})

describe.skipIf(lacks('sipp'))('a telephone that answers', () => {
  // RFC 7247 §7.2, Table 3; 603 is a decision, so it is `cancel`.
  for (const [status, condition, type] of [
    ['480 Temporarily Unavailable', 'recipient-unavailable', 'wait'],
    ['486 Busy Here', 'recipient-unavailable', 'wait'],
    ['404 Not Found', 'item-not-found', 'cancel'],
    ['415 Unsupported Media Type', 'not-acceptable', 'modify'],
    ['500 Server Internal Error', 'internal-server-error', 'cancel'],
    ['603 Decline', 'recipient-unavailable', 'cancel'],
  ] as const) {
    test(`${status} comes back as ${condition}, in the telephone’s own words`, async () => {
      const port = await freePort()
      await registerBySipp(gateway.line('nurse'), port)
      const nurse = await Sipp.start('answer-message', { port, calls: 1, status })
      const refusal = await juliet.refusal(juliet.say('nurse@xmpp.example', 'Nurse!'))
      expect(refusal).toMatchObject({ condition, errorType: type })
      expect(refusal.text ?? '').toContain(status.slice('480 '.length))
      expect(refusal.from).toMatch(/^nurse@xmpp\.example/)
      expect((await nurse.end()).code).toBe(0)
      await registerBySipp(gateway.line('nurse'), port, 0)
    })
  }
})
