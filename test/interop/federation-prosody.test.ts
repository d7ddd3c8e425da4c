/** Prosody as the server of another domain: what people there and here say to each other, over dialback with TLS, by certificates, and in clear where policy allows it. */
import { afterEach, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { certificateFor } from '../support/certificates.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { bodyOf, chat, type Member, type MemberOptions, World } from '../support/federation.ts'
import { lacks } from './peers/installed.ts'
import { Prosody, type ProsodySettings } from './peers/prosody.ts'

const OURS = 'verona.example'
const THEIRS = 'mantua.example'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

interface Both {
  readonly verona: Member
  readonly mantua: Prosody
}

async function both(ours: Partial<MemberOptions> = {}, theirs: Partial<ProsodySettings> = {}): Promise<Both> {
  const world = await World.begin()
  ending.push(() => world.end())
  const certificate = theirs.certificate ?? (await certificateFor(THEIRS))
  const mantua = await Prosody.start({ domain: THEIRS, accounts: ['romeo'], dns: world.dns.address, ...theirs, certificate })
  ending.push(() => mantua.stop())
  world.publish(THEIRS, mantua.serverPort)
  world.publish(`rooms.${THEIRS}`, mantua.serverPort)
  const verona = await world.member(OURS, { accounts: ['juliet', 'nurse'], ...ours })
  return { verona, mantua }
}

async function talk({ verona, mantua }: Both): Promise<{ juliet: Client; romeo: Client }> {
  const juliet = await verona.client('juliet')
  const romeo = await mantua.client('romeo')
  juliet.send(chat(`romeo@${THEIRS}`, 'Art thou not Romeo, and a Montague?'))
  const heard = await romeo.receive()
  expect([heard.attr('from'), bodyOf(heard)]).toEqual([`juliet@${OURS}/balcony`, 'Art thou not Romeo, and a Montague?'])
  romeo.send(chat(`juliet@${OURS}`, 'Neither, fair saint, if either thee dislike.'))
  const answer = await juliet.receive()
  expect([answer.attr('from'), bodyOf(answer)]).toEqual([`romeo@${THEIRS}/balcony`, 'Neither, fair saint, if either thee dislike.'])
  return { juliet, romeo }
}

describe.skipIf(lacks('prosody'))('Prosody', () => {
  test('people talk both ways, over dialback and TLS', async () => {
    const world = await both()
    const { juliet, romeo } = await talk(world)
    expect(world.verona.queue(THEIRS)).toBe('open, encrypted, 0 waiting')
    await world.verona.heard.fact({ what: 'server_proved', domain: THEIRS, by: 'dialback', secure: true })
    await juliet.close()
    await romeo.close()
  })

  test('people talk both ways by certificates alone', async () => {
    const [ours, theirs] = [await certificateFor(OURS), await certificateFor(THEIRS)]
    const sending = { encrypted: { domains: ['*.example'], whereverPossible: false } }
    const world = await both({ certificate: ours, authorities: [theirs.cert], sending }, { certificate: theirs, authorities: [ours.cert] })
    const { juliet, romeo } = await talk(world)
    await world.verona.heard.fact({ what: 'server_proved', domain: THEIRS, by: 'certificate' })
    await juliet.close()
    await romeo.close()
  })

  test('people talk both ways in clear, where policy allows it', async () => {
    const world = await both({ sending: { encrypted: { domains: [`!${THEIRS}`] } } })
    const { juliet, romeo } = await talk(world)
    expect(world.verona.queue(THEIRS)).toBe('open, in clear, 0 waiting')
    await juliet.close()
    await romeo.close()
  })

  test('they become contacts and see each other', async () => {
    const { verona, mantua } = await both()
    const juliet = await verona.client('juliet')
    const romeo = await mantua.client('romeo')
    juliet.ignoresPresence = false
    romeo.ignoresPresence = false
    romeo.send(el('iq', NS_CLIENT, { type: 'get', id: 'roster' }, el('query', 'jabber:iq:roster')))
    await untilIn(romeo, (xml) => xml.attr('id') === 'roster')
    juliet.send(el('presence', NS_CLIENT, { type: 'subscribe', to: `romeo@${THEIRS}` }))
    await untilIn(romeo, (xml) => xml.attr('type') === 'subscribe' && xml.attr('from') === `juliet@${OURS}`)
    romeo.send(el('presence', NS_CLIENT, { type: 'subscribed', to: `juliet@${OURS}` }))
    await untilIn(juliet, (xml) => xml.name === 'presence' && xml.attr('from') === `romeo@${THEIRS}/balcony`)
    romeo.send(el('presence', NS_CLIENT, {}, el('show', NS_CLIENT, {}, 'dnd')))
    await untilIn(juliet, (xml) => xml.child('show')?.text() === 'dnd')
    await romeo.close()
    await untilIn(juliet, (xml) => xml.attr('type') === 'unavailable')
    await juliet.close()
  })

  test('questions are answered both ways', async () => {
    const { verona, mantua } = await both()
    const juliet = await verona.client('juliet')
    const romeo = await mantua.client('romeo')
    const ping = (to: string) => el('iq', NS_CLIENT, { type: 'get', id: 'p1', to }, el('ping', 'urn:xmpp:ping'))
    juliet.send(ping(THEIRS))
    expect((await juliet.receive()).attr('type')).toBe('result')
    romeo.send(ping(OURS))
    expect((await romeo.receive()).attr('type')).toBe('result')
    await juliet.close()
    await romeo.close()
  })

  test('juliet joins a room there and talks in it', async () => {
    const { verona } = await both()
    const juliet = await verona.client('juliet')
    juliet.ignoresPresence = false
    const room = `orchard@rooms.${THEIRS}`
    juliet.send(el('presence', NS_CLIENT, { to: `${room}/juliet` }, el('x', 'http://jabber.org/protocol/muc')))
    await untilIn(juliet, (xml) => xml.name === 'presence' && xml.attr('from') === `${room}/juliet`)
    juliet.send(el('message', NS_CLIENT, { to: room, type: 'groupchat' }, el('body', NS_CLIENT, {}, 'Ay me!')))
    const heard = await untilIn(juliet, (xml) => xml.name === 'message' && bodyOf(xml) === 'Ay me!')
    expect(heard.attr('from')).toBe(`${room}/juliet`)
    await juliet.close()
  })

  test('a telephone talks to somebody there, and is answered', async () => {
    const { verona, mantua } = await both()
    const phone = await verona.phone('nurse')
    const romeo = await mantua.client('romeo')
    expect((await phone.message(`sip:romeo@${THEIRS}`, 'Anon, good Nurse!')).status).toBe(202)
    const heard = await romeo.receive()
    expect([heard.attr('from'), bodyOf(heard)]).toEqual([`nurse@${OURS}`, 'Anon, good Nurse!'])
    romeo.send(chat(`nurse@${OURS}`, 'Commend me to thy lady.'))
    expect(String((await phone.received()).body)).toContain('Commend me to thy lady.')
    await romeo.close()
  })
})

async function untilIn(client: Client, isIt: (xml: Awaited<ReturnType<Client['receive']>>) => boolean) {
  for (;;) {
    const xml = await client.receive()
    if (isIt(xml)) return xml
  }
}
