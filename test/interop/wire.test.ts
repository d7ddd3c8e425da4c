/** What tshark, which knows SIP better than its author, makes of what crossed the wire. */
import { DOMParser, type Element } from '@xmldom/xmldom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { freePort } from './peers/ports.ts'
import { registerBySipp, Sipp, sendBySipp } from './peers/sipp.ts'
import { Tshark } from './peers/tshark.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

describe.skipIf(lacks('tshark', 'sipp', 'baresip'))('tshark on the loopback interface', () => {
  let gateway: Gateway
  let tshark: Tshark
  let juliet: XmppPeer

  beforeAll(async () => {
    gateway = await Gateway.start()
    await gateway.add('juliet', 'romeo', 'nurse')
    tshark = await Tshark.start([gateway.port('sip/udp'), gateway.port('sip/tcp')])
    juliet = xmppClient(gateway.login('juliet', 'balcony'))
    await juliet.online()
  })
  afterAll(async () => {
    await juliet?.leave()
    await tshark?.stop()
    await gateway?.stop()
  })

  function xmppData(message: string): Element {
    const value = /^P-XMPP-Data: (.*)$/m.exec(message.replaceAll('\r\n', '\n'))?.[1]
    expect(value).toMatch(/^[\x20-\x7e]+$/)
    const root = new DOMParser().parseFromString(value ?? '', 'application/xml').documentElement
    if (!root) throw new Error('P-XMPP-Data holds no element')
    return root
  }

  test('a client’s message to a telephone over UDP is a valid MESSAGE with the stanza in P-XMPP-Data', async () => {
    const port = await freePort()
    await registerBySipp(gateway.line('nurse'), port)
    const nurse = await Sipp.start('answer-message', { port, calls: 1 })
    const id = juliet.say('nurse@xmpp.example', 'Γειά σου, nurse 🎭')
    const request = await tshark.request('MESSAGE', /Γειά σου, nurse 🎭/)
    expect(request.protocols).toContain(':udp:sip')
    expect(request.message).toMatch(/^To: <sip:nurse@xmpp\.example>/m)
    expect(request.message).toMatch(/^Content-Type: text\/plain; ?charset=utf-8/im)
    const stanza = xmppData(request.message)
    expect([stanza.localName, stanza.getAttribute('id'), stanza.getAttribute('type')]).toEqual(['message', id, 'chat'])
    // What the MESSAGE itself carries is not said twice.
    expect(stanza.getElementsByTagName('body')).toHaveLength(0)
    await tshark.response(200, /CSeq: \d+ MESSAGE/)
    expect((await nurse.end()).code).toBe(0)
  })

  test('over TCP as well, and what the telephone says is read back', async () => {
    const phone = await Baresip.start({
      ...gateway.line('romeo', 'tcp'),
      contact: 'sip:juliet@xmpp.example',
      certificate: gateway.certificate,
    })
    try {
      await phone.registered()
      const id = juliet.say('romeo@xmpp.example', 'O Romeo')
      const request = await tshark.request('MESSAGE', /O Romeo/)
      expect(request.protocols).toContain(':tcp:sip')
      expect(xmppData(request.message).getAttribute('id')).toBe(id)
      await phone.say('I take thee at thy word')
      await tshark.request('MESSAGE', /I take thee at thy word/)
      await juliet.hears('I take thee at thy word')
    } finally {
      await phone.stop()
    }
  })

  test('a refusal and a challenge are valid SIP too, and tshark has nothing against any packet of this conversation', async () => {
    await sendBySipp(gateway.line('nurse'), 'nobody@xmpp.example', 'Hello?')
    await tshark.response(404, /CSeq: 2 MESSAGE/)
    const seen = tshark.packets.all
    expect(new Set(seen.map(({ method }) => method))).toEqual(new Set(['', 'REGISTER', 'MESSAGE']))
    expect(seen.length).toBeGreaterThan(12)
    expect(seen.filter(({ complaints }) => complaints.length > 0)).toEqual([])
  })
})
