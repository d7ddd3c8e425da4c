/** Telephones in browsers and telephones under TLS, at a gateway as people run it. */
import { afterEach, describe, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { TlsContexts } from '../../src/sip/embedded/tls-contexts.ts'
import { el } from '../../src/xml/element.ts'
import { BrowserPhone } from '../support/browser-phone.ts'
import { certificateFor } from '../support/certificates.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { NextHopParty } from '../support/next-hop.ts'
import { Phone } from '../support/phone.ts'
import { DOMAIN, PASSWORD, type RunningGateway, runningGateway } from '../support/running-gateway.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function gatewayWith(options: Parameters<typeof runningGateway>[0]): Promise<RunningGateway> {
  const gateway = await runningGateway(options)
  closing.push(() => gateway.stop())
  return gateway
}

const say = (client: Client, to: string, text: string) =>
  client.send(el('message', NS_CLIENT, { to: `${to}@${DOMAIN}`, type: 'chat', id: text }, el('body', NS_CLIENT, {}, text)))

const bodyOf = async (client: Client) => (await client.receive()).child('body', NS_CLIENT)?.text()

describe.each(['ws', 'wss'] as const)('a telephone in a browser, over %s', (transport) => {
  async function browserAt(gateway: RunningGateway): Promise<BrowserPhone> {
    const { host, port } = gateway.hop(transport)
    const { certificate } = gateway
    const line = { user: 'romeo', domain: DOMAIN, password: PASSWORD, server: `${transport}://${host}:${port}`, certificate }
    const phone = await BrowserPhone.connect(line)
    closing.push(() => phone.stop())
    return phone
  }

  test('registers, and talks with an XMPP client', async () => {
    const gateway = await gatewayWith({ transports: [transport] })
    const juliet = await gateway.client('juliet')
    const romeo = await browserAt(gateway)
    await romeo.register()
    say(juliet, 'romeo', 'Art thou not Romeo, and a Montague? 🌹')
    expect(await romeo.hears()).toEqual({ from: `juliet@${DOMAIN}`, text: 'Art thou not Romeo, and a Montague? 🌹' })
    expect(await romeo.say('juliet', 'Neither, fair saint')).toBe(200)
    expect(await bodyOf(juliet)).toBe('Neither, fair saint')
  })

  test('that closed its tab is told about at once', async () => {
    const gateway = await gatewayWith({ transports: [transport] })
    const juliet = await gateway.client('juliet')
    const romeo = await browserAt(gateway)
    await romeo.register()
    await romeo.vanish()
    await gateway.heard.fact({ what: 'sip_connection_closed' })
    say(juliet, 'romeo', 'Romeo?')
    expect((await juliet.receive()).attr('type')).toBe('error')
  })

  test('is not looked for after a restart', async () => {
    const gateway = await gatewayWith({ transports: [transport] })
    const romeo = await browserAt(gateway)
    await romeo.register()
    expect(gateway.gateway.status().accountsWithTelephones).toBe(1)
    await gateway.restart()
    expect(gateway.gateway.status().accountsWithTelephones).toBe(0)
  })
})

describe('a telephone under TLS', () => {
  test('registers, and talks with an XMPP client', async () => {
    const gateway = await gatewayWith({ transports: ['tls'] })
    const juliet = await gateway.client('juliet')
    const own = await certificateFor('romeo.invalid')
    const tls = new TlsContexts({ identities: [own], authorities: [gateway.certificate] })
    const romeo = await Phone.onLoopback({ user: 'romeo', domain: DOMAIN, password: PASSWORD, proxy: gateway.hop('tls') }, tls)
    closing.push(() => romeo.stop())
    expect((await romeo.register()).status).toBe(200)
    say(juliet, 'romeo', 'by night')
    expect((await romeo.received()).body.toString()).toBe('by night')
    expect((await romeo.message(`sip:juliet@${DOMAIN}`, 'by day')).status).toBe(200)
    expect(await bodyOf(juliet)).toBe('by day')
  })

  test('a sips: address is refused as over any transport', async () => {
    const gateway = await gatewayWith({ transports: ['tls'] })
    const tls = new TlsContexts({ identities: [await certificateFor('romeo.invalid')], authorities: [gateway.certificate] })
    const romeo = await Phone.onLoopback({ user: 'romeo', domain: DOMAIN, password: PASSWORD, proxy: gateway.hop('tls') }, tls)
    closing.push(() => romeo.stop())
    expect((await romeo.message(`sips:juliet@${DOMAIN}`, 'hush')).status).toBe(403)
  })
})

describe('a server that proves its name', () => {
  async function partyAs(name: string, trusted: readonly string[]): Promise<{ gateway: RunningGateway; party: NextHopParty }> {
    const own = await certificateFor(name)
    const gateway = await gatewayWith({ transports: ['tls'], trusted: [...trusted], trustedCertificates: [own.cert] })
    const tls = new TlsContexts({ identities: [own], authorities: [gateway.certificate] })
    const stack = embeddedStack({ listeners: [{ transport: 'tls', port: 0, address: '127.0.0.1' }], tls }, silent)
    const party = await NextHopParty.on(stack, gateway.hop('tls'))
    closing.push(() => party.stop())
    return { gateway, party }
  }

  test('speaks for its users where it is trusted, and by their asserted identity', async () => {
    const { gateway, party } = await partyAs('sip:pbx.example', ['pbx.example'])
    const juliet = await gateway.client('juliet')
    expect((await party.message('sip:tybalt@pbx.example', `sip:juliet@${DOMAIN}`, 'peace?')).status).toBe(200)
    expect((await juliet.receive()).attr('from')).toBe('tybalt@pbx.example')
    const asserted = [['P-Asserted-Identity', '"Tybalt" <sip:prince.of.cats@pbx.example>']] as const
    await party.message('sip:anonymous@anonymous.invalid', `sip:juliet@${DOMAIN}`, 'I hate the word', asserted)
    expect((await juliet.receive()).attr('from')).toBe('prince.of.cats@pbx.example')
    await party.message('sip:anonymous@pbx.example', `sip:juliet@${DOMAIN}`, 'hush', [...asserted, ['Privacy', 'id']])
    expect((await juliet.receive()).attr('from')).toBe('anonymous@pbx.example')
  })

  test('and is a stranger where it is not', async () => {
    const { party } = await partyAs('evil.example', ['pbx.example'])
    const asserted = [['P-Asserted-Identity', '<sip:tybalt@pbx.example>']] as const
    expect((await party.message('sip:tybalt@pbx.example', `sip:juliet@${DOMAIN}`, 'peace?', asserted)).status).toBe(403)
  })
})
