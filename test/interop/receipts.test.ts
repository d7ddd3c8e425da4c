/** linphonec wraps what it says in CPIM and asks for receipts, which a client gives by XEP-0184 and 0333; of itself it gives none without a person. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Linphonec } from './peers/linphonec.ts'
import { slixmpp } from './peers/slixmpp.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const RECEIPTS = 'urn:xmpp:receipts'
const MARKERS = 'urn:xmpp:chat-markers:0'

let gateway: Gateway
let juliet: XmppPeer
let romeo: Linphonec

const isMissing = lacks('linphonec', 'slixmpp')

beforeAll(async () => {
  if (isMissing) return
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo')
  juliet = slixmpp(gateway.login('juliet', 'balcony'))
  await juliet.online()
  romeo = await Linphonec.start({ ...gateway.line('romeo', 'tcp'), contact: 'sip:juliet@xmpp.example', wraps: true })
  await romeo.registered()
})
afterAll(async () => {
  await romeo?.stop()
  await juliet?.leave()
  await gateway?.stop()
})

const ask = (id: string, body: string) =>
  juliet.sendXml(
    `<message xmlns='jabber:client' to='romeo@xmpp.example' type='chat' id='${id}'><body>${body}</body><request xmlns='${RECEIPTS}'/><markable xmlns='${MARKERS}'/></message>`,
  )

test.skipIf(isMissing)('a telephone is asked for nothing before it has shown what it reads', async () => {
  await ask('r0', 'Canst thou read this?')
  await romeo.hears('Canst thou read this?')
  const request = await romeo.trace.request('MESSAGE')
  expect(request.text).toMatch(/^Content-Type: text\/plain/im)
})

test.skipIf(isMissing)('what it says in CPIM reaches a client as words, and the client’s receipts reach it', async () => {
  expect(await romeo.say('Neither, fair saint')).toMatchObject({ status: 200 })
  const heard = await juliet.hears('Neither, fair saint')
  expect(heard.xml).toContain(RECEIPTS)
  for (const child of [`<received xmlns='${RECEIPTS}' id='${heard.id}'/>`, `<displayed xmlns='${MARKERS}' id='${heard.id}'/>`])
    await juliet.sendXml(`<message xmlns='jabber:client' to='romeo@xmpp.example' type='chat' id='x'>${child}</message>`)
  for (const status of ['delivered', 'displayed'])
    await romeo.trace.messages.take(`an IMDN ${status}`, ({ method, text }) => method === 'MESSAGE' && text.includes(`<${status}/>`))
})

test.skipIf(isMissing)('asked for receipts in CPIM from then on, its user reads the words alone', async () => {
  await ask('act 2 (scene 2)', 'Art thou not Romeo?')
  const request = await romeo.trace.messages.take('a message/cpim', ({ method, text }) => method === 'MESSAGE' && text.includes('stox.'))
  expect(request.text).toMatch(/^Content-Type: message\/cpim/im)
  await romeo.hears('Art thou not Romeo?')
})
