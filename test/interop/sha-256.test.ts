/** Telephones that know RFC 8760, where `sip.digest` offers SHA-256 first. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Linphonec } from './peers/linphonec.ts'
import { freePort } from './peers/ports.ts'
import { registerBySha256, Sipp } from './peers/sipp.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const JULIET = 'sip:juliet@xmpp.example'

let gateway: Gateway
let juliet: XmppPeer

beforeAll(async () => {
  gateway = await Gateway.start({ digest: ['SHA-256', 'MD5'] })
  await gateway.add('juliet', 'romeo', 'nurse')
  juliet = lacks('slixmpp') ? xmppClient(gateway.login('juliet', 'balcony')) : slixmpp(gateway.login('juliet', 'balcony'))
  await juliet.online()
})
afterAll(async () => {
  await juliet?.leave()
  await gateway?.stop()
})

test.skipIf(lacks('linphonec'))('linphonec answers the challenge of RFC 8760 with SHA-256', async () => {
  const phone = await Linphonec.start({ ...gateway.line('romeo'), contact: JULIET })
  try {
    await phone.registered()
    const challenge = await phone.trace.messages.take('a 401', ({ status }) => status === 401)
    expect(challenge.text).toMatch(/WWW-Authenticate: Digest .*algorithm=SHA-256/)
    const answer = await phone.trace.messages.take('credentials', ({ text }) => /^Authorization:/m.test(text))
    expect(answer.text).toMatch(/^Authorization: .*response="[0-9a-f]{64}"/m)
  } finally {
    await phone.stop()
  }
})

test.skipIf(lacks('sipp'))('SIPp registers with SHA-256 and is reached', async () => {
  const port = await freePort()
  await registerBySha256(gateway.line('nurse'), port)
  const nurse = await Sipp.start('answer-message', { port, calls: 1 })
  juliet.say('nurse@xmpp.example', 'Is it long?')
  expect((await nurse.trace.request('MESSAGE')).text).toContain('Is it long?')
  expect((await nurse.end()).code).toBe(0)
  await registerBySha256(gateway.line('nurse'), port, 0)
})
