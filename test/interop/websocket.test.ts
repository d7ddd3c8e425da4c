/** In front of a PBX nobody here wrote, over its WebSocket alone: two hundred accounts, their refreshes, and a PBX that is killed. */
import { afterEach, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { Client, NS_CLIENT } from '../support/client.ts'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Kamailio } from './peers/kamailio.ts'
import { freePort } from './peers/ports.ts'
import { overUdp } from './peers/raw.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const DOMAIN = 'xmpp.example'
const ACCOUNTS = 200
/** Logins at the same time: each costs a TLS handshake here and a REGISTER with its challenge there. */
const AT_ONCE = 10

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

async function joined(trusted: readonly string[] = []): Promise<{ gateway: Gateway; kamailio: Kamailio }> {
  const port = await freePort()
  const kamailio = await Kamailio.start(port, 0, 'kamailio-websocket.cfg')
  ending.push(() => kamailio.stop())
  const gateway = await Gateway.start({ pbx: `sip:127.0.0.1:${port};transport=ws`, websocket: `ws://127.0.0.1:${port}/ws`, trusted })
  ending.push(() => gateway.stop())
  for (const user of ['juliet', 'romeo', 'nurse']) gateway.hasElsewhere(user, `${user}-s3cret`)
  return { gateway, kamailio }
}

async function client(gateway: Gateway, user: string, resource: string): Promise<XmppPeer> {
  const peer = xmppClient(gateway.login(user, resource))
  ending.push(() => peer.leave())
  await peer.online()
  return peer
}

const extensions = Array.from({ length: ACCOUNTS }, (_, n) => `ext${String(n).padStart(3, '0')}`)

async function session(gateway: Gateway, user: string): Promise<Client> {
  const session = await Client.connect(gateway.port('xmpp'))
  ending.push(async () => session.destroy())
  await session.open({ to: DOMAIN })
  await session.startTls()
  await session.plain(user, `${user}-s3cret`)
  await session.restart()
  await session.bind('desk')
  session.send(el('presence', NS_CLIENT))
  return session
}

/**
 * The next message that somebody said. Of one that Kamailio delivered, and whose answer died with it, the sender hears that it failed: that is passed over.
 */
async function heard(client: Client): Promise<{ readonly from: string | undefined; readonly text: string | undefined }> {
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'message' && stanza.attr('type') === 'chat')
      return { from: stanza.attr('from'), text: stanza.child('body')?.text() }
  }
}

/** Each to the next one, the last to the first. */
async function roundOf(clients: readonly Client[], text: string): Promise<void> {
  for (const [n, one] of clients.entries()) {
    const to = `${extensions[(n + 1) % ACCOUNTS]}@${DOMAIN}`
    one.send(el('message', NS_CLIENT, { to, type: 'chat' }, el('body', NS_CLIENT, {}, `${text} ${n}`)))
  }
  const got = await Promise.all(clients.map(heard))
  expect(got).toEqual(
    clients.map((_, n) => {
      const before = (n + ACCOUNTS - 1) % ACCOUNTS
      return { from: `${extensions[before]}@${DOMAIN}`, text: `${text} ${before}` }
    }),
  )
}

describe.skipIf(lacks('kamailio', 'kamailio-websocket'))('in front of Kamailio, over its WebSocket', () => {
  test('two hundred accounts are registered, refreshed, talk, and are back by themselves after Kamailio was killed and started', async () => {
    const { gateway, kamailio } = await joined()
    const clients: Client[] = []
    for (let n = 0; n < ACCOUNTS; n += AT_ONCE)
      clients.push(...(await Promise.all(extensions.slice(n, n + AT_ONCE).map((user) => session(gateway, user)))))
    const allRegistered = () => Promise.all(extensions.map((user) => kamailio.hasRegistered(user)))
    await allRegistered()
    await roundOf(clients, 'one')
    // Kamailio gives them 15 s.
    await allRegistered()
    await roundOf(clients, 'two')
    await kamailio.kill()
    await kamailio.begin()
    await allRegistered()
    await roundOf(clients, 'three')
    expect(await gateway.log()).not.toMatch(/s3cret/)
  }, 120_000)

  test.skipIf(lacks('baresip'))('a client and a telephone of another extension talk', async () => {
    const { gateway, kamailio } = await joined()
    const juliet = await client(gateway, 'juliet', 'balcony')
    const line = { ...kamailio.extension('romeo'), contact: `sip:juliet@${DOMAIN}`, certificate: gateway.certificate }
    const phone = await Baresip.start(line)
    ending.push(() => phone.stop())
    await phone.registered()
    juliet.say(`romeo@${DOMAIN}`, 'Romeo — Καλημέρα')
    expect(await phone.hears('Romeo — Καλημέρα')).toContain(`juliet@${DOMAIN}`)
    expect(await phone.say('My dear?')).toMatchObject({ status: 200 })
    expect((await juliet.hears('My dear?')).from).toMatch(/^romeo@xmpp\.example/)
  })

  for (const [trusted, type] of [
    [[], 'chat'],
    [['127.0.0.0/8'], 'headline'],
  ] as const)
    test(`P-XMPP-Data that comes through Kamailio ${trusted.length > 0 ? 'counts where it is trusted' : 'is not read'}`, async () => {
      const { gateway, kamailio } = await joined(trusted)
      const juliet = await session(gateway, 'juliet')
      await kamailio.hasRegistered('juliet')
      const request = [
        `MESSAGE sip:juliet@${DOMAIN} SIP/2.0`,
        'Via: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKrose;rport',
        'From: <sip:paris@elsewhere.example>;tag=rose',
        `To: <sip:juliet@${DOMAIN}>`,
        'Call-ID: rose',
        'CSeq: 1 MESSAGE',
        'Max-Forwards: 70',
        "P-XMPP-Data: <message xmlns='jabber:client' type='headline'/>",
        'Content-Type: text/plain',
        'Content-Length: 6',
      ]
      await overUdp(kamailio.port, [`${request.join('\r\n')}\r\n\r\nA rose`], /^SIP\/2\.0 200 /)
      let stanza = await juliet.receive()
      while (stanza.name !== 'message') stanza = await juliet.receive()
      expect([stanza.attr('type'), stanza.child('body')?.text()]).toEqual([type, 'A rose'])
    })

  test('what is too large for Kamailio is refused here, and harms nobody', async () => {
    const { gateway } = await joined()
    const juliet = await client(gateway, 'juliet', 'balcony')
    const nurse = await client(gateway, 'nurse', 'chamber')
    const long = 'O, '.repeat(4_900)
    juliet.say(`nurse@${DOMAIN}`, long)
    await nurse.hears(long)
    expect(await juliet.refusal(juliet.say(`nurse@${DOMAIN}`, 'O, '.repeat(6_000)))).toMatchObject({ condition: 'policy-violation' })
    juliet.say(`nurse@${DOMAIN}`, 'Good night')
    await nurse.hears('Good night')
  })

  test('while Kamailio is away every message comes back with the reason', async () => {
    const { gateway, kamailio } = await joined()
    const juliet = await client(gateway, 'juliet', 'balcony')
    await kamailio.kill()
    const away = [juliet.say(`romeo@${DOMAIN}`, 'Art thou gone so?'), juliet.say(`romeo@${DOMAIN}`, 'Love, lord?')]
    for (const id of away) expect(await juliet.refusal(id)).toMatchObject({ condition: 'remote-server-not-found' })
  })
})
