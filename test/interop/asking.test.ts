/** Questions that cross: an iq never waits for another one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

describe.skipIf(lacks('slixmpp'))('juliet in slixmpp and romeo in @xmpp/client', () => {
  let gateway: Gateway
  let juliet: XmppPeer
  let romeo: XmppPeer

  beforeAll(async () => {
    gateway = await Gateway.start()
    await gateway.add('juliet', 'romeo')
    juliet = slixmpp(gateway.login('juliet', 'balcony'))
    romeo = xmppClient(gateway.login('romeo', 'orchard'))
    await Promise.all([juliet.online(), romeo.online()])
  })
  afterAll(async () => {
    await Promise.all([juliet?.leave(), romeo?.leave()])
    await gateway?.stop()
  })

  test('romeo asks juliet back before he answers her, and both have their answers within a second', async () => {
    const started = Date.now()
    const answerForJuliet = juliet.question('romeo@xmpp.example/orchard')
    const julietsQuestion = await romeo.asked()
    const answerForRomeo = romeo.question('juliet@xmpp.example/balcony')
    const romeosQuestion = await juliet.asked()
    juliet.answer(romeosQuestion, 'By whose direction found’st thou out this place?')
    expect(await answerForRomeo).toBe('By whose direction found’st thou out this place?')
    romeo.answer(julietsQuestion, 'By love')
    expect(await answerForJuliet).toBe('By love')
    expect(Date.now() - started).toBeLessThan(1_000)
  })

  test('messages pass a question that nobody has answered yet, in both directions', async () => {
    const answer = juliet.question('romeo@xmpp.example/orchard')
    const question = await romeo.asked()
    juliet.say('romeo@xmpp.example/orchard', 'Take thy time')
    await romeo.hears('Take thy time')
    romeo.say('juliet@xmpp.example/balcony', 'I will')
    await juliet.hears('I will')
    romeo.answer(question, 'Now')
    expect(await answer).toBe('Now')
  })

  test('a question to a device that is not there, and one that is not understood, are answered at once', async () => {
    expect(await juliet.iq('romeo@xmpp.example/nowhere', 'urn:example:question', 'question')).toMatchObject({
      condition: 'service-unavailable',
    })
    expect(await romeo.iq('juliet@xmpp.example/balcony', 'urn:example:unheard-of', 'query')).toMatchObject({
      condition: expect.stringMatching(/^(?:feature-not-implemented|service-unavailable)$/),
    })
  })
})
