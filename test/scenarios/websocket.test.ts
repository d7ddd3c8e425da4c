/** A domain that lives on a PBX which offers SIP over WebSocket alone. */
import { afterEach, describe, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { WebSocketStack } from '../../src/sip/websocket/stack.ts'
import { Heard } from '../support/heard.ts'
import { PbxParty } from '../support/pbx.ts'
import { Phone } from '../support/phone.ts'
import { condition, message } from '../support/stanzas.ts'
import { DOMAIN, PASSWORD, type Town, type TownOptions, town } from '../support/town.ts'

const LOCAL = '127.0.0.1'
const WHOLE_STANZA = `<message xmlns='jabber:client' type='headline' id='rose'/>`
const QUESTION = `<iq xmlns='jabber:client' type='get' id='q'><ping xmlns='urn:xmpp:ping'/></iq>`

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function begin(port = 0): Promise<PbxParty> {
  const listeners = (['ws', 'tcp'] as const).map((transport) => ({ transport, address: LOCAL, port: transport === 'ws' ? port : 0 }))
  const passwords = { juliet: PASSWORD, romeo: PASSWORD, nurse: PASSWORD }
  const pbx = await PbxParty.on(embeddedStack({ listeners }, silent), { domain: DOMAIN, passwords })
  closing.push(() => pbx.stop())
  return pbx
}

const portOf = (pbx: PbxParty, what: string): number => pbx.listening.find((one) => one.what === what)?.port ?? 0

interface World {
  readonly at: Town
  readonly pbx: PbxParty
  readonly stack: WebSocketStack
}

async function verona(options: TownOptions = {}, maxAccounts = 200): Promise<World> {
  const pbx = await begin()
  const port = portOf(pbx, 'sip/ws')
  const limits = { retryFirstMs: 5, retryMaxMs: 20 }
  const stack = new WebSocketStack({ url: `ws://${LOCAL}:${port}/ws`, maxAccounts, limits }, options.log ?? silent)
  const uri = `sip:${LOCAL}:${port};transport=ws`
  const at = await town({ accounts: [], ...options, through: stack, pbx: { uri, limits: { returnsPerSecond: 1_000 } } })
  closing.push(() => at.stop())
  return { at, pbx, stack }
}

async function telephone(pbx: PbxParty, user: string): Promise<Phone> {
  const proxy = { transport: 'tcp', host: LOCAL, port: portOf(pbx, 'sip/tcp') } as const
  const phone = await Phone.onLoopback({ user, domain: DOMAIN, password: PASSWORD, proxy })
  closing.push(() => phone.stop())
  await phone.register()
  return phone
}

const bodyOf = (stanza: Awaited<ReturnType<Awaited<ReturnType<Town['client']>>['receive']>>) => stanza.child('body')?.text()

describe('behind a WebSocket', () => {
  test('a client logs in with extension and password alone, and has a contact that no name leads to', async () => {
    const { at, pbx } = await verona()
    await at.client('juliet')
    expect(pbx.contactsOf('juliet')).toEqual([expect.stringMatching(/^sip:[\w-]{22}@stoxgate\.invalid;transport=ws$/)])
    expect(pbx.requests[0]?.headers.get('Via')).toMatch(/^SIP\/2\.0\/WS stoxgate\.invalid;branch=z9hG4bK/)
  })

  test('clients talk to each other and to a telephone, and their P-XMPP-Data is not shown to the PBX', async () => {
    const { at, pbx } = await verona()
    const juliet = await at.client('juliet')
    const romeo = await at.client('romeo')
    const phone = await telephone(pbx, 'nurse')
    juliet.send(message(`romeo@${DOMAIN}`, 'Wherefore art thou — Ρωμαίε?'))
    const heard = await romeo.receive()
    expect([bodyOf(heard), heard.attr('from')]).toEqual(['Wherefore art thou — Ρωμαίε?', `juliet@${DOMAIN}`])
    romeo.send(message(`nurse@${DOMAIN}`, 'Commend me to thy lady'))
    expect((await phone.received()).body.toString()).toBe('Commend me to thy lady')
    expect((await phone.message(`sip:juliet@${DOMAIN}`, 'Madam!')).status).toBe(200)
    expect(bodyOf(await juliet.receive())).toBe('Madam!')
    expect(pbx.requests.some(({ headers }) => headers.has('P-XMPP-Data'))).toBe(false)
  })

  for (const trusted of [false, true])
    test(`the P-XMPP-Data of a PBX that is ${trusted ? '' : 'not '}trusted ${trusted ? 'counts' : 'is not read, nor its INFO'}`, async () => {
      const { at, pbx } = await verona({ trusted: trusted ? ['127.0.0.0/8'] : [] })
      const juliet = await at.client('juliet')
      const phone = await telephone(pbx, 'nurse')
      const parts = { headers: [['P-XMPP-Data', WHOLE_STANZA]] } as const
      expect((await phone.message(`sip:juliet@${DOMAIN}`, 'A rose', parts)).status).toBe(200)
      expect((await juliet.receive()).attr('type')).toBe(trusted ? 'headline' : 'chat')
      await phone.request('INFO', `sip:juliet@${DOMAIN}`, { headers: [['P-XMPP-Data', QUESTION]] })
      // A stanza of type error is the account's own answer: nobody has asked it yet where that is missing.
      expect(pbx.answers[0]?.headers.get('P-XMPP-Data')).toEqual(trusted ? expect.stringContaining('service-unavailable') : undefined)
    })

  test('a PBX that is cut off and comes back remembering nobody has everybody registered again, although nothing was asked meanwhile', async () => {
    const heard = new Heard()
    const { at, pbx, stack } = await verona({ log: heard.log })
    const juliet = await at.client('juliet')
    const romeo = await at.client('romeo')
    const port = portOf(pbx, 'sip/ws')
    await pbx.stop()
    await heard.fact({ what: 'websocket_connection_failed' })
    expect(stack.connection.state).toBe('away')
    const again = await begin(port)
    await again.until(() => again.contactsOf('juliet').length === 1 && again.contactsOf('romeo').length === 1)
    expect(stack.connection).toMatchObject({ state: 'connected', retries: 0, why: undefined })
    juliet.send(message(`romeo@${DOMAIN}`, 'And now?'))
    expect(bodyOf(await romeo.receive())).toBe('And now?')
  })

  test('while the PBX is away everybody is told so at once, and who logs in to try again later', async () => {
    const heard = new Heard()
    const { at, pbx } = await verona({ log: heard.log })
    const juliet = await at.client('juliet')
    await pbx.stop()
    await heard.fact({ what: 'websocket_connection_failed' })
    juliet.send(message(`romeo@${DOMAIN}`, 'There?'))
    expect(condition(await juliet.receive())).toBe('remote-server-not-found')
    const romeo = await at.stream()
    await expect(romeo.plain('romeo', PASSWORD)).rejects.toMatchObject({ condition: 'temporary-auth-failure' })
  })

  test('no more accounts are registered than were agreed, and one that leaves makes room', async () => {
    const { at, pbx, stack } = await verona({}, 2)
    const juliet = await at.client('juliet')
    await at.client('romeo')
    const nurse = await at.stream()
    await expect(nurse.plain('nurse', PASSWORD)).rejects.toMatchObject({ condition: 'temporary-auth-failure' })
    // What was refused is not counted, nor is a wrong password.
    const stranger = await at.stream()
    await expect(stranger.plain('romeo', 'wherefore')).rejects.toMatchObject({ condition: 'not-authorized' })
    expect(stack.load.registered).toBe(2)
    await juliet.close()
    await at.house.leave()
    await pbx.until(() => pbx.contactsOf('juliet').length === 0)
    expect(stack.load).toMatchObject({ serving: 0, waiting: 0, registered: 0 })
  })
})
