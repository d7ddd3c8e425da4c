/** XMPP libraries for browsers that nobody here wrote, over WebSocket and BOSH, with TLS and certificates that are checked. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Gateway } from './peers/gateway.ts'
import { type Library, type Way, webPeer } from './peers/web-peer.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

let gateway: Gateway
let nurse: XmppPeer
beforeAll(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo', 'nurse')
  nurse = xmppClient(gateway.login('nurse', 'hall'))
  await nurse.online()
})
afterAll(async () => {
  await nurse?.leave()
  await gateway?.stop()
})

const WAYS: readonly (readonly [Library, Way])[] = [
  ['@xmpp/client', 'WebSocket'],
  ['strophe.js', 'WebSocket'],
  ['strophe.js', 'BOSH'],
  ['stanza', 'WebSocket'],
  ['stanza', 'BOSH'],
]

for (const [library, way] of WAYS) {
  describe(`${library} over ${way}`, () => {
    let juliet: XmppPeer
    beforeAll(() => {
      juliet = webPeer(gateway, library, way, 'juliet', 'web')
    })
    afterAll(() => juliet?.leave())

    test('logs in by SCRAM and gets the resource it asks for', async () => {
      const { jid, mechanism } = await juliet.online()
      expect(jid).toBe('juliet@xmpp.example/web')
      if (mechanism !== '') expect(mechanism).toMatch(/^SCRAM-SHA-/)
    })

    test('chats with somebody who came over TCP', async () => {
      juliet.say('nurse@xmpp.example', `By ${way}: <tell> me & "him"`)
      expect(await nurse.hears(`By ${way}: <tell> me & "him"`)).toMatchObject({ from: 'juliet@xmpp.example/web', type: 'chat' })
      nurse.say('juliet@xmpp.example/web', 'Lord, ώς my head aches 🌹')
      expect(await juliet.hears('Lord, ώς my head aches 🌹')).toMatchObject({ from: 'nurse@xmpp.example/hall' })
    })

    test('gets two hundred messages in their order while it sends as many', async () => {
      const numbers = Array.from({ length: 200 }, (_, i) => `${library} ${way} ${i}`)
      for (const body of numbers) {
        nurse.say('juliet@xmpp.example/web', body)
        juliet.say('nurse@xmpp.example/hall', body)
      }
      for (const peer of [juliet, nurse]) {
        for (const body of numbers) expect((await peer.message('the next message', () => true)).body).toBe(body)
      }
    })

    test('is told that its password is wrong', async () => {
      const stranger = webPeer(gateway, library, way, 'romeo', 'web', 'wrong')
      await expect(stranger.online()).rejects.toThrow(/not let in/)
      await stranger.leave()
    })
  })
}
