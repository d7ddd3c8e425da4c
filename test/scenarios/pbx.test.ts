import { afterEach, describe, expect, test } from 'vitest'
import { Headers, SipRequest } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { Caller } from '../support/caller.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { Heard } from '../support/heard.ts'
import { PbxParty } from '../support/pbx.ts'
import { Phone } from '../support/phone.ts'
import { condition, message } from '../support/stanzas.ts'
import { DOMAIN, GATEWAY, PASSWORD, type Town, type TownOptions, town } from '../support/town.ts'

const PBX = '192.0.2.200'
const URI = `sip:${PBX}`
const GATEWAY_HOP = { transport: 'udp', ...GATEWAY } as const

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

interface PbxOptions {
  readonly asksNobody?: boolean
  readonly minExpiresSeconds?: number
}

async function verona(options: TownOptions = {}, pbxOptions: PbxOptions = {}): Promise<{ at: Town; pbx: PbxParty }> {
  const at = await town({ accounts: [], ...options, pbx: { uri: URI, ...options.pbx } })
  closing.push(() => at.stop())
  const pbx = await begin(at, pbxOptions)
  closing.push(() => pbx.stop())
  return { at, pbx }
}

function begin(at: Town, options: PbxOptions = {}): Promise<PbxParty> {
  const passwords = { juliet: PASSWORD, romeo: PASSWORD, nurse: PASSWORD }
  return PbxParty.on(at.network.join({ host: PBX, timers: { t1Ms: 10 } }), { domain: DOMAIN, passwords, ...options })
}

let host = 210
async function telephone(at: Town, user: string): Promise<Phone> {
  const stack = at.network.join({ host: `192.0.2.${host++}`, timers: { t1Ms: 10 } })
  const phone = await Phone.on(stack, { user, domain: DOMAIN, password: PASSWORD, proxy: { transport: 'udp', host: PBX, port: 5_060 } })
  closing.push(() => phone.stop())
  await phone.register()
  return phone
}

const bodyOf = (stanza: Awaited<ReturnType<Client['receive']>>) => stanza.child('body')?.text()
const isRegister = ({ method }: { method: string }): boolean => method === 'REGISTER'

describe('a client of a domain that lives on a PBX', () => {
  test('logs in with extension and password alone, and has one contact there that says nothing of whose it is', async () => {
    const { at, pbx } = await verona()
    await at.client('juliet')
    const [contact, ...more] = pbx.contactsOf('juliet')
    expect(more).toEqual([])
    expect(contact).toMatch(/^sip:[\w-]{22}@192\.0\.2\.1:5060/)
    const registered = pbx.requests.findLast(isRegister)
    expect(registered?.headers.get('Contact')).toMatch(/\+sip\.instance="<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-/)
    expect(registered?.headers.get('Authorization')).toContain('username="juliet"')
  })

  test('has the same contact with a second client', async () => {
    const { at, pbx } = await verona()
    await at.client('juliet', 'balcony')
    const first = pbx.contactsOf('juliet')
    await at.client('juliet', 'orchard')
    expect(pbx.contactsOf('juliet')).toEqual(first)
  })

  for (const [why, user, password] of [
    ['the wrong password', 'juliet', 'wherefore'],
    ['a name the PBX does not know', 'tybalt', PASSWORD],
  ] as const)
    test(`is not let in with ${why}`, async () => {
      const { at, pbx } = await verona()
      const client = await at.stream()
      await expect(client.plain(user, password)).rejects.toMatchObject({ condition: 'not-authorized' })
      expect(pbx.contactsOf(user)).toEqual([])
      expect(at.house.pbxStatus()).toEqual([[`pbx ${DOMAIN}`, 'there, 0 registered']])
    })

  test('keeps its registration while somebody else tries the wrong password', async () => {
    const { at, pbx } = await verona()
    const juliet = await at.client('juliet')
    const before = pbx.contactsOf('juliet')
    const stranger = await at.stream()
    await expect(stranger.plain('juliet', 'wherefore')).rejects.toMatchObject({ condition: 'not-authorized' })
    expect(pbx.contactsOf('juliet')).toEqual(before)
    juliet.send(message(`juliet@${DOMAIN}`, 'Still here'))
    expect(bodyOf(await juliet.receive())).toBe('Still here')
  })

  test('is not let in by a PBX that asks nobody for a password', async () => {
    const { at, pbx } = await verona({}, { asksNobody: true })
    const client = await at.stream()
    await expect(client.plain('juliet', PASSWORD)).rejects.toMatchObject({ condition: 'temporary-auth-failure' })
    expect(pbx.contactsOf('juliet')).toEqual([])
  })

  test('is told to try again later while the PBX is away', async () => {
    const at = await town({ accounts: [], pbx: { uri: URI }, t1Ms: 2 })
    closing.push(() => at.stop())
    const client = await at.stream()
    await expect(client.plain('juliet', PASSWORD)).rejects.toMatchObject({ condition: 'temporary-auth-failure' })
  })

  test('is registered for as long as the PBX wants at least', async () => {
    const { at, pbx } = await verona({}, { minExpiresSeconds: 900 })
    await at.client('juliet')
    expect(pbx.requests.findLast(isRegister)?.headers.get('Expires')).toBe('900')
    expect(pbx.contactsOf('juliet')).toHaveLength(1)
  })

  test('is registered anew before its time is over', async () => {
    const { at, pbx } = await verona({ pbx: { uri: URI, limits: { expiresSeconds: 1, refreshAt: 0.05 } } })
    await at.client('juliet')
    const before = pbx.requests.filter(isRegister).length
    await pbx.until(() => pbx.requests.filter(isRegister).length >= before + 2)
    const registers = pbx.requests.filter(isRegister)
    expect(new Set(registers.map(({ headers }) => headers.get('Call-ID'))).size).toBe(1)
    const numbers = registers.map(({ headers }) => Number.parseInt(headers.get('CSeq') ?? '', 10))
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
  })

  test('is unregistered soon after its last session has ended, and not before', async () => {
    const { at, pbx } = await verona({ pbx: { uri: URI, limits: { leaveGraceMs: 20 } } })
    const balcony = await at.client('juliet', 'balcony')
    const orchard = await at.client('juliet', 'orchard')
    await balcony.close()
    expect(pbx.contactsOf('juliet')).toHaveLength(1)
    await orchard.close()
    await pbx.until(() => pbx.contactsOf('juliet').length === 0)
    await expect.poll(() => at.house.pbxStatus()).toEqual([[`pbx ${DOMAIN}`, 'there, 0 registered']])
    expect(pbx.requests.findLast(isRegister)?.headers.get('Expires')).toBe('0')
  })

  test('loses its session when the PBX takes its password no longer', async () => {
    const { at, pbx } = await verona({ pbx: { uri: URI, limits: { expiresSeconds: 1, refreshAt: 0.1 } } })
    const juliet = await at.client('juliet')
    pbx.refusesWith = 403
    expect((await juliet.receive()).elements()[0]?.name).toBe('not-authorized')
  })

  test('is unregistered when the gateway ends', async () => {
    const { at, pbx } = await verona()
    await at.client('juliet')
    await at.house.leave()
    expect(pbx.contactsOf('juliet')).toEqual([])
  })
})

describe('a message', () => {
  test('goes from client to client through the PBX, both ways, signed with the sender’s password', async () => {
    const { at, pbx } = await verona()
    const juliet = await at.client('juliet')
    const romeo = await at.client('romeo')
    juliet.send(message(`romeo@${DOMAIN}`, 'Wherefore art thou?'))
    const heard = await romeo.receive()
    expect([bodyOf(heard), heard.attr('from'), heard.attr('type')]).toEqual(['Wherefore art thou?', `juliet@${DOMAIN}`, 'chat'])
    romeo.send(message(`juliet@${DOMAIN}/balcony`, 'Call me but love'))
    expect(bodyOf(await juliet.receive())).toBe('Call me but love')
    const sent = pbx.requests.filter(({ method, headers }) => method === 'MESSAGE' && headers.has('Proxy-Authorization'))
    expect(sent.map(({ uri }) => uri)).toEqual([`sip:romeo@${DOMAIN}`, `sip:juliet@${DOMAIN}`])
  })

  test('is shown once by two clients and a telephone of one extension', async () => {
    const { at } = await verona()
    const juliet = await at.client('juliet')
    const [orchard, street] = [await at.client('romeo', 'orchard'), await at.client('romeo', 'street')]
    const phone = await telephone(at, 'romeo')
    juliet.send(message(`romeo@${DOMAIN}`, 'Romeo!'))
    juliet.send(message(`romeo@${DOMAIN}`, 'and again'))
    for (const client of [orchard, street]) {
      expect(bodyOf(await client.receive())).toBe('Romeo!')
      expect(bodyOf(await client.receive())).toBe('and again')
    }
    await phone.received()
    await phone.received()
    expect(phone.requests.map(({ body }) => body.toString())).toEqual(['Romeo!', 'and again'])
  })

  test('of a telephone on the PBX reaches a client, and the answer the telephone', async () => {
    const { at } = await verona()
    const juliet = await at.client('juliet')
    const phone = await telephone(at, 'romeo')
    expect((await phone.message(`sip:juliet@${DOMAIN}`, 'It is the east')).status).toBe(200)
    const heard = await juliet.receive()
    expect([bodyOf(heard), heard.attr('from')]).toEqual(['It is the east', `romeo@${DOMAIN}`])
    juliet.send(message(`romeo@${DOMAIN}`, 'Ay me'))
    expect((await phone.received()).body.toString()).toBe('Ay me')
  })

  test('that a PBX sends twice by two roads is delivered once, and both copies are answered alike', async () => {
    const { at, pbx } = await verona()
    const juliet = await at.client('juliet')
    const phone = await telephone(at, 'romeo')
    const [contact = ''] = pbx.contactsOf('juliet')
    const sent = phone.message(contact, 'twice')
    expect((await sent).status).toBe(404)
    const request = pbx.requests.findLast(({ method }) => method === 'MESSAGE')
    if (!request) throw new Error('nothing came')
    const copies = await Promise.all([1, 2].map(() => pbx.stack.send(request, GATEWAY_HOP)))
    expect(copies.map(({ status }) => status)).toEqual([200, 200])
    expect(bodyOf(await juliet.receive())).toBe('twice')
    juliet.send(message(`juliet@${DOMAIN}`, 'and no more'))
    expect(bodyOf(await juliet.receive())).toBe('and no more')
  })

  test('to somebody whose clients are all busy is refused with 480, so that his telephone may still have it', async () => {
    const { at, pbx } = await verona()
    const juliet = await at.client('juliet')
    await at.silentClient('romeo')
    juliet.send(message(`romeo@${DOMAIN}`, 'There?'))
    expect(condition(await juliet.receive())).toBe('recipient-unavailable')
    expect(pbx.answers.map(({ status }) => status)).toEqual([480])
  })

  test('to an extension that nobody has comes back as item-not-found', async () => {
    const { at } = await verona()
    const juliet = await at.client('juliet')
    juliet.send(message(`tybalt@${DOMAIN}`, 'There?'))
    expect(condition(await juliet.receive())).toBe('item-not-found')
  })

  test('comes from nobody else by the address of a contact', async () => {
    const { at, pbx } = await verona()
    await at.client('juliet')
    const [contact = ''] = pbx.contactsOf('juliet')
    const stack = at.network.join({ host: '192.0.2.250', timers: { t1Ms: 10 } })
    const stranger = await Phone.on(stack, { user: 'paris', domain: 'elsewhere.example', proxy: GATEWAY_HOP })
    closing.push(() => stranger.stop())
    expect((await stranger.message(contact, 'Come, come')).status).toBe(403)
  })
})

describe('a PBX', () => {
  test('that asks whether a contact is still there is told yes, and no INFO is taken from it', async () => {
    const { at, pbx } = await verona()
    await at.client('juliet')
    const phone = await telephone(at, 'romeo')
    expect((await phone.options(`sip:juliet@${DOMAIN}`)).status).toBe(200)
    expect((await phone.request('INFO', `sip:juliet@${DOMAIN}`)).status).toBe(405)
    expect(pbx.answers[0]?.headers.get('Allow')).toBe('MESSAGE, OPTIONS')
  })

  test('is not asked what only XMPP can answer: clients of one domain ask each other directly', async () => {
    const { at, pbx } = await verona()
    const juliet = await at.client('juliet')
    const romeo = await at.client('romeo', 'orchard')
    juliet.send(el('iq', NS_CLIENT, { type: 'get', id: 'q', to: `romeo@${DOMAIN}/orchard` }, el('ping', 'urn:xmpp:ping')))
    const question = await romeo.receive()
    romeo.send(el('iq', NS_CLIENT, { type: 'result', id: 'q', to: question.attr('from') ?? '' }))
    expect((await juliet.receive()).attr('type')).toBe('result')
    expect(pbx.requests.some(({ method }) => method === 'INFO')).toBe(false)
  })

  test('that was away and comes back remembering nobody has everybody registered again by itself', async () => {
    const heard = new Heard()
    const { at, pbx } = await verona({ log: heard.log, t1Ms: 2, pbx: { uri: URI, limits: { probeAwayMs: 5 } } })
    const juliet = await at.client('juliet')
    const romeo = await at.client('romeo')
    await pbx.stop()
    juliet.send(message(`romeo@${DOMAIN}`, 'There?', { id: 'm' }))
    expect(condition(await juliet.receive())).toBe('remote-server-timeout')
    await heard.fact({ what: 'pbx_away' })
    const again = await begin(at)
    closing.push(() => again.stop())
    await again.until(() => again.contactsOf('juliet').length === 1 && again.contactsOf('romeo').length === 1)
    juliet.send(message(`romeo@${DOMAIN}`, 'And now?'))
    expect(bodyOf(await romeo.receive())).toBe('And now?')
  })

  test('that rings a client as it rings a telephone gets an answer that lets the telephone’s own be heard', async () => {
    const { at, pbx } = await verona()
    await at.client('juliet')
    const caller = new Caller(at.network, 'romeo', 'elsewhere.example', '', { host: PBX, port: 5_070, gateway: GATEWAY })
    const [contact = ''] = pbx.contactsOf('juliet')
    expect((await caller.ask('INVITE', contact, [['Contact', `<${caller.contact}>`]])).answer.status).toBe(488)
  })

  test('may speak for its own domain through us, and for nobody else', async () => {
    const { at } = await verona()
    const phone = await telephone(at, 'romeo')
    expect((await phone.request('MESSAGE', 'sip:anybody@elsewhere.example')).status).toBe(404)
  })
})

describe('a PBX that trusts our address', () => {
  const trunk = { accounts: ['juliet', 'romeo'], pbx: { uri: URI, register: false } }

  /** As the PBX itself says it. */
  function said(
    pbx: PbxParty,
    method: string,
    uri: string,
    text = '',
    from = `sip:nurse@${DOMAIN}`,
  ): ReturnType<PbxParty['stack']['send']> {
    const fields = ['From', `<${from}>;tag=${method}`, 'To', `<${uri}>`, 'Call-ID', uri, 'CSeq', `1 ${method}`]
    const headers = new Headers(['Max-Forwards', '70', ...fields, 'Content-Type', 'text/plain'])
    return pbx.stack.send(new SipRequest(method, uri, headers, Buffer.from(text)), GATEWAY_HOP)
  }

  test('gets messages unsigned, and nothing is registered there', async () => {
    const { at, pbx } = await verona(trunk, { asksNobody: true })
    const juliet = await at.client('juliet')
    const phone = await telephone(at, 'nurse')
    juliet.send(message(`nurse@${DOMAIN}`, 'Nurse!'))
    const request = await phone.received()
    expect(request.body.toString()).toBe('Nurse!')
    expect(request.headers.has('Proxy-Authorization')).toBe(false)
    expect(pbx.contactsOf('juliet')).toEqual([])
  })

  test('reaches an extension here by its address, and by ours', async () => {
    const { at, pbx } = await verona(trunk, { asksNobody: true })
    const juliet = await at.client('juliet')
    for (const uri of [`sip:juliet@${DOMAIN}`, 'sip:juliet@192.0.2.1:5060']) {
      expect((await said(pbx, 'MESSAGE', uri, 'Madam!')).status).toBe(200)
      const heard = await juliet.receive()
      expect([bodyOf(heard), heard.attr('from')]).toEqual(['Madam!', `nurse@${DOMAIN}`])
    }
  })

  test('that names its extensions at its own address means those of the domain', async () => {
    const { at, pbx } = await verona(trunk, { asksNobody: true })
    const juliet = await at.client('juliet')
    await said(pbx, 'MESSAGE', `sip:juliet@${DOMAIN}`, 'Madam!', `sip:nurse@${PBX}`)
    expect((await juliet.receive()).attr('from')).toBe(`nurse@${DOMAIN}`)
  })

  test('has the calls to its domain, too', async () => {
    const { at, pbx } = await verona(trunk, { asksNobody: true })
    if (!at.stack.can.proxy || at.drachtio) return
    const caller = await at.caller('juliet')
    await caller.call(`sip:nurse@${DOMAIN}`)
    await pbx.until(() => pbx.requests.some(({ method }) => method === 'INVITE'))
    expect(pbx.requests.find(({ method }) => method === 'INVITE')?.uri).toBe(`sip:nurse@${DOMAIN}`)
  })

  test('is told 404 for a name that nobody has', async () => {
    const { pbx } = await verona(trunk, { asksNobody: true })
    expect((await said(pbx, 'OPTIONS', `sip:tybalt@${DOMAIN}`)).status).toBe(404)
  })
})
