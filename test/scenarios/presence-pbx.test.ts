import { afterEach, describe, expect, test } from 'vitest'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { PbxParty } from '../support/pbx.ts'
import { PBX, party, verona } from '../support/routed-town.ts'
import { DOMAIN, PASSWORD, type Town, town } from '../support/town.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function onPbx(): Promise<{ at: Town; pbx: PbxParty }> {
  const at = await town({ accounts: [], pbx: { uri: `sip:${PBX}` } })
  closing.push(() => at.stop())
  const passwords = { juliet: PASSWORD, romeo: PASSWORD, nurse: PASSWORD }
  const pbx = await PbxParty.on(at.network.join({ host: PBX, timers: { t1Ms: 10 } }), { domain: DOMAIN, passwords })
  closing.push(() => pbx.stop())
  return { at, pbx }
}

const presence = (type: string | undefined, to?: string): Element => el('presence', NS_CLIENT, { type, to })

/** Logged in, told of changes to its list, and there. */
async function there(at: Town, local: string, resource: string): Promise<Client> {
  const client = await at.silentClient(local, resource)
  client.send(el('iq', NS_CLIENT, { type: 'get', id: 'roster' }, el('query', 'jabber:iq:roster')))
  await client.receive()
  client.send(presence(undefined))
  return client
}

async function presenceOf(client: Client, bare: string): Promise<string> {
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'presence' && stanza.attr('from')?.startsWith(bare))
      return `${stanza.attr('type') ?? 'available'} ${stanza.attr('from')}`
  }
}

/** She asks, he agrees, and she sees him. */
async function befriend(juliet: Client, romeo: Client): Promise<void> {
  juliet.send(presence('subscribe', `romeo@${DOMAIN}`))
  expect(await presenceOf(romeo, `juliet@${DOMAIN}`)).toBe(`subscribe juliet@${DOMAIN}`)
  romeo.send(presence('subscribed', `juliet@${DOMAIN}`))
  expect(await presenceOf(juliet, `romeo@${DOMAIN}`)).toBe(`subscribed romeo@${DOMAIN}`)
  expect(await presenceOf(juliet, `romeo@${DOMAIN}`)).toBe(`available romeo@${DOMAIN}/orchard`)
}

describe('on a domain that lives on a PBX', () => {
  test('two who have logged in here see each other without troubling it', async () => {
    const { at, pbx } = await onPbx()
    const romeo = await there(at, 'romeo', 'orchard')
    const juliet = await there(at, 'juliet', 'balcony')
    await befriend(juliet, romeo)
    expect(pbx.requests.map(({ method }) => method)).not.toContain('SUBSCRIBE')
    // What they have allowed each other stays when one of them is away.
    await romeo.close()
    expect(await presenceOf(juliet, `romeo@${DOMAIN}`)).toBe(`unavailable romeo@${DOMAIN}/orchard`)
    await there(at, 'romeo', 'orchard')
    expect(await presenceOf(juliet, `romeo@${DOMAIN}`)).toBe(`available romeo@${DOMAIN}/orchard`)
  })

  test('an extension that never logged in here is watched at the PBX, in the name and with the password of who asks', async () => {
    const { at, pbx } = await onPbx()
    const juliet = await there(at, 'juliet', 'balcony')
    juliet.send(presence('subscribe', `nurse@${DOMAIN}`))
    const isSigned = ({ method, headers }: (typeof pbx.requests)[number]): boolean =>
      method === 'SUBSCRIBE' && (headers.has('Authorization') || headers.has('Proxy-Authorization'))
    await pbx.until(() => pbx.requests.some(isSigned))
    const subscribe = pbx.requests.find(isSigned)
    expect(subscribe?.uri).toBe(`sip:nurse@${DOMAIN}`)
    expect(parseNameAddr(subscribe?.headers.get('From') ?? '').uri).toBe(`sip:juliet@${DOMAIN}`)
    expect(subscribe?.headers.get('Event')).toBe('presence')
  })
})

test('a core that everything goes through sees every presence stanza of two local users, and none is lost or doubled', async () => {
  const at = await verona({ routes: [{ match: '*', to: `sip:${PBX};transport=tcp`, trusted: true }] })
  const core = await party(at, PBX, 'tcp')
  core.answer = core.sentBack
  const romeo = await there(at, 'romeo', 'orchard')
  const juliet = await there(at, 'juliet', 'balcony')
  await befriend(juliet, romeo)
  const passed = core.requests
    .filter(({ method }) => method === 'SUBSCRIBE' || method === 'NOTIFY')
    .map(({ headers }) => headers.get('P-XMPP-Data'))
  expect(passed.some((data) => data?.includes("type='subscribe'"))).toBe(true)
  expect(passed.some((data) => data?.includes("type='subscribed'"))).toBe(true)
})
