/** Telephones nobody here wrote: they register with digest, get a client's message as MESSAGE, and answer it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Linphonec } from './peers/linphonec.ts'
import type { Phone } from './peers/phone.ts'
import { freePort } from './peers/ports.ts'
import { at, registerBySipp, Sipp, sendBySipp, sipp, who } from './peers/sipp.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const JULIET = 'sip:juliet@xmpp.example'

let gateway: Gateway
let juliet: XmppPeer

beforeAll(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo', 'nurse', 'tybalt')
  juliet = lacks('slixmpp') ? xmppClient(gateway.login('juliet', 'balcony')) : slixmpp(gateway.login('juliet', 'balcony'))
  await juliet.online()
})
afterAll(async () => {
  await juliet?.leave()
  await gateway?.stop()
})

const makes = {
  baresip: (user: string, contact: string, transport: 'udp' | 'tcp' | 'tls') =>
    Baresip.start({ ...gateway.line(user, transport), contact, certificate: gateway.certificate }),
  linphonec: (user: string, contact: string, transport: 'udp' | 'tcp' | 'tls') =>
    Linphonec.start({ ...gateway.line(user, transport), contact }),
} as const

/** A registered telephone for as long as the conversation lasts. */
async function withPhone(phone: Promise<Phone>, conversation: (phone: Phone) => Promise<void>): Promise<void> {
  const started = await phone
  try {
    await started.registered()
    await conversation(started)
  } finally {
    await started.stop()
  }
}

for (const make of ['baresip', 'linphonec'] as const) {
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    test.skipIf(lacks(make))(`${make} registers with digest over ${transport}, hears juliet and answers her`, async () => {
      await withPhone(makes[make]('romeo', JULIET, transport), async (phone) => {
        juliet.say('romeo@xmpp.example', 'Art thou not Romeo, and a Montague?')
        expect(await phone.hears('Art thou not Romeo, and a Montague?')).toMatch(/juliet@xmpp\.example/)
        expect(await phone.say('Neither, fair saint, if either thee dislike')).toMatchObject({ status: 200 })
        const heard = await juliet.hears('Neither, fair saint, if either thee dislike')
        expect(heard.from).toMatch(/^romeo@xmpp\.example/)
        expect(heard.type).toBe('chat')
      })
    })
  }
}

test.skipIf(lacks('baresip', 'linphonec'))('baresip and linphonec talk to each other through the gateway', async () => {
  await withPhone(makes.linphonec('nurse', 'sip:romeo@xmpp.example', 'udp'), async (nurse) => {
    await withPhone(makes.baresip('romeo', 'sip:nurse@xmpp.example', 'udp'), async (romeo) => {
      expect(await romeo.say('Commend me to thy lady')).toMatchObject({ status: 200 })
      expect(await nurse.hears('Commend me to thy lady')).toMatch(/romeo@xmpp\.example/)
      expect(await nurse.say('Ay, a thousand times')).toMatchObject({ status: 200 })
      expect(await romeo.hears('Ay, a thousand times')).toMatch(/nurse@xmpp\.example/)
    })
  })
})

test.skipIf(lacks('baresip'))('a person with a telephone and a client reads every message on both', async () => {
  const romeo = xmppClient(gateway.login('romeo', 'orchard'))
  await romeo.online()
  try {
    await withPhone(makes.baresip('romeo', JULIET, 'udp'), async (phone) => {
      juliet.say('romeo@xmpp.example', 'What’s in a name?')
      await Promise.all([romeo.hears('What’s in a name?'), phone.hears('What’s in a name?')])
    })
  } finally {
    await romeo.leave()
  }
})

test.skipIf(lacks('baresip'))('a telephone that has unregistered is reached no more', async () => {
  await withPhone(makes.baresip('tybalt', JULIET, 'udp'), async (phone) => {
    juliet.say('tybalt@xmpp.example', 'Are you there?')
    await phone.hears('Are you there?')
  })
  expect(await juliet.refusal(juliet.say('tybalt@xmpp.example', 'And now?'))).toMatchObject({ condition: 'recipient-unavailable' })
})

describe.skipIf(lacks('sipp'))('SIPp', () => {
  test('registers with MD5, receives a client’s message and answers it', async () => {
    const port = await freePort()
    await registerBySipp(gateway.line('nurse'), port)
    const nurse = await Sipp.start('answer-message', { port })
    try {
      juliet.say('nurse@xmpp.example', 'Come hither, nurse')
      const request = await nurse.trace.request('MESSAGE')
      expect(request.text).toMatch(/^MESSAGE sip:nurse@127\.0\.0\.1:\d+ SIP\/2\.0$/m)
      expect(request.text).toMatch(/^From: .*<?sip:juliet@xmpp\.example/m)
      expect(request.text).toMatch(/^Content-Type: text\/plain/im)
      expect(request.text.trimEnd().endsWith('Come hither, nurse')).toBe(true)
      expect(await sendBySipp(gateway.line('nurse'), 'juliet@xmpp.example', 'Anon, anon!')).toBe(200)
      expect((await juliet.hears('Anon, anon!')).from).toMatch(/^nurse@xmpp\.example/)
    } finally {
      await nurse.stop()
    }
    await registerBySipp(gateway.line('nurse'), port, 0)
  })

  test('a MESSAGE that comes twice over UDP is delivered once and answered twice alike', async () => {
    const line = gateway.line('nurse')
    const keys = { ...who(line), to: 'juliet@xmpp.example', text: 'I am here, twice' }
    await sipp('send-twice', { withoutRepeats: true, ...at(line), keys, credentials: { ...line, uri: 'juliet@xmpp.example' } })
    await juliet.hears('I am here, twice')
    // What she is told next comes after everything before it, in the order of one pair.
    await sendBySipp(line, 'juliet@xmpp.example', 'and no more')
    await juliet.hears('and no more')
    expect(juliet.events.untaken(({ body }) => body === 'I am here, twice')).toEqual([])
  })

  test('a telephone that answers late is asked again and again, and its user reads the message once', async () => {
    const port = await freePort()
    await registerBySipp(gateway.line('nurse'), port)
    const nurse = await Sipp.start('answer-late', { port, calls: 1 })
    const id = juliet.say('nurse@xmpp.example', 'Canst thou not stay awhile?')
    expect((await nurse.end()).code).toBe(0)
    const requests = nurse.trace.messages.all.filter(({ method, status }) => method === 'MESSAGE' && status === 0)
    expect(requests.length).toBeGreaterThan(1)
    expect(new Set(requests.map(({ text }) => text)).size).toBe(1)
    expect(juliet.events.untaken((event) => event.id === id)).toEqual([])
    await registerBySipp(gateway.line('nurse'), port, 0)
  })
})
