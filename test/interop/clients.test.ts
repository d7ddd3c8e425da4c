/** XMPP clients nobody here wrote: they log in over STARTTLS, chat, and ask each other's version. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gateway } from './peers/gateway.ts'
import { GoListener, goSendxmpp } from './peers/go-sendxmpp.ts'
import { lacks } from './peers/installed.ts'
import { Profanity } from './peers/profanity.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const SCRAM = /^SCRAM-SHA-(?:1|256)(?:-PLUS)?$/

describe.skipIf(lacks('slixmpp', 'profanity'))('slixmpp, profanity and @xmpp/client', () => {
  let gateway: Gateway
  let juliet: XmppPeer
  let romeo: XmppPeer
  let nurse: Profanity
  let sessions: readonly { jid: string; mechanism: string; cipher?: string }[]

  beforeAll(async () => {
    gateway = await Gateway.start()
    await gateway.add('juliet', 'romeo', 'nurse')
    juliet = slixmpp(gateway.login('juliet', 'balcony'))
    romeo = xmppClient(gateway.login('romeo', 'orchard'))
    nurse = await Profanity.start(gateway.login('nurse', 'hall'))
    sessions = [await juliet.online(), await romeo.online(), await nurse.online()]
  })
  afterAll(async () => {
    await Promise.all([juliet?.leave(), romeo?.leave(), nurse?.stop()])
    await gateway?.stop()
  })

  test('all three log in over STARTTLS and get the resource they asked for', () => {
    expect(sessions.map(({ jid }) => jid)).toEqual(['juliet@xmpp.example/balcony', 'romeo@xmpp.example/orchard', 'nurse@xmpp.example/hall'])
    for (const { cipher } of sessions.slice(0, 2)) expect(cipher).toMatch(/^(?:TLS_|ECDHE-)/)
  })

  test('none of them sends its password: slixmpp, @xmpp/client and profanity all get in by SCRAM', () => {
    for (const { mechanism } of sessions) expect(mechanism).toMatch(SCRAM)
  })

  test('juliet in slixmpp and romeo in @xmpp/client chat, to full and to bare addresses', async () => {
    const id = juliet.say('romeo@xmpp.example/orchard', 'Wherefore art thou, Romeo?')
    const heard = await romeo.hears('Wherefore art thou, Romeo?')
    expect(heard).toMatchObject({ id, from: 'juliet@xmpp.example/balcony', to: 'romeo@xmpp.example/orchard', type: 'chat' })
    romeo.say('juliet@xmpp.example', 'Neither, fair saint')
    expect(await juliet.hears('Neither, fair saint')).toMatchObject({ from: 'romeo@xmpp.example/orchard', type: 'chat' })
  })

  test('a message is read on the screen of profanity, and its answer by slixmpp', async () => {
    juliet.say('nurse@xmpp.example', 'What says he of our marriage?')
    await nurse.received(/What says he of our marriage\?/)
    await nurse.reads('juliet@xmpp.example', 'What says he of our marriage?')
    await nurse.say('juliet@xmpp.example', 'Lord, how my head aches')
    expect(await juliet.hears('Lord, how my head aches')).toMatchObject({ from: 'nurse@xmpp.example/hall' })
  })

  test('each asks the others for their software by iq and gets the right answer', async () => {
    expect(await juliet.version('romeo@xmpp.example/orchard')).toMatchObject({ name: '@xmpp/client' })
    expect(await juliet.version('nurse@xmpp.example/hall')).toMatchObject({ name: 'Profanity' })
    expect(await romeo.version('juliet@xmpp.example/balcony')).toMatchObject({ name: 'slixmpp' })
    expect(await romeo.version('nurse@xmpp.example/hall')).toMatchObject({ name: 'Profanity' })
    expect(await nurse.version('juliet@xmpp.example/balcony', /Name +: slixmpp/)).toMatch(/Version +: \d/)
    expect(await nurse.version('romeo@xmpp.example/orchard', /Name +: @xmpp\/client/)).toMatch(/Version +: \d/)
  })

  test('a password with blanks, quotes and letters of another alphabet is no trouble to anybody', async () => {
    await gateway.addWithPassword('friar', ' Saint "Laurence"\'s cell, ώς ἔπος εἰπεῖν ')
    for (const make of [slixmpp, xmppClient]) {
      const friar = make(gateway.login('friar', 'cell'))
      expect((await friar.online()).jid).toBe('friar@xmpp.example/cell')
      await friar.leave()
    }
  })

  test('the gateway itself names its software to a client', async () => {
    expect(await juliet.version('xmpp.example')).toMatchObject({
      name: expect.stringMatching(/stoxgate/i),
      version: expect.stringMatching(/^\d+\.\d+/),
    })
  })

  test('the three chat a hundred messages each way, and all arrive in the order in which they were sent', async () => {
    const sent = Array.from({ length: 100 }, (_, index) => `line ${index} of the play`)
    for (const line of sent) {
      juliet.say('romeo@xmpp.example/orchard', line)
      romeo.say('juliet@xmpp.example/balcony', line)
    }
    for (const reader of [juliet, romeo]) {
      for (const line of sent) {
        const next = await reader.message('the next line', ({ body }) => body?.includes('of the play') === true)
        expect(next.body).toBe(line)
      }
    }
  })
})

describe.skipIf(lacks('go-sendxmpp', 'slixmpp'))('go-sendxmpp', () => {
  let gateway: Gateway
  let juliet: XmppPeer

  beforeAll(async () => {
    gateway = await Gateway.start()
    await gateway.add('juliet', 'romeo')
    juliet = slixmpp(gateway.login('juliet', 'balcony'))
    await juliet.online()
  })
  afterAll(async () => {
    await juliet?.leave()
    await gateway?.stop()
  })

  test('sends one message from the command line and ends without an error', async () => {
    const sent = await goSendxmpp(gateway.login('romeo', 'any'), 'juliet@xmpp.example', 'By a name I know not how to tell thee who I am')
    expect(sent).toMatchObject({ code: 0 })
    await juliet.hears('By a name I know not how to tell thee who I am')
  })

  test('listens, and prints what another client says', async () => {
    const romeo = await GoListener.start(gateway.login('romeo', 'any'))
    try {
      const { jid } = await romeo.online()
      juliet.say(jid, 'O, be some other name!')
      expect(await romeo.hears('O, be some other name!')).toContain('juliet@xmpp.example')
    } finally {
      await romeo.stop()
    }
  })

  test('logs in by direct TLS as well', async () => {
    const sent = await goSendxmpp(gateway.login('romeo', 'any', gateway.port('xmpps')), 'juliet@xmpp.example', 'Call me but love', [
      '--tls',
    ])
    expect(sent).toMatchObject({ code: 0 })
    await juliet.hears('Call me but love')
  })
})
