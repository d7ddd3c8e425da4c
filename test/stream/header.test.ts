import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client, NS_CLIENT, NS_STREAM } from '../support/client.ts'
import { DOMAIN, OTHER_DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

let house: StreamHouse
let lone: StreamHouse
beforeAll(async () => {
  house = await streamHouse({ domains: [{ name: DOMAIN }, { name: OTHER_DOMAIN }, { name: 'bücher.example' }] })
  lone = await streamHouse({ domains: [{ name: DOMAIN }], listeners: [] })
})
afterAll(() => Promise.all([house.stop(), lone.stop()]))

describe('a stream header', () => {
  test('is answered by ours, with the domain, a new id each time, version and language', async () => {
    const ids = new Set<string>()
    for (const to of [DOMAIN, OTHER_DOMAIN, 'XMPP.Example', 'BÜCHER.example', 'xn--bcher-kva.example']) {
      const client = house.inMemory()
      client.sayHeader({ to })
      const header = await client.receiveHeader()
      expect(['from', 'version', 'xml:lang', 'to'].map((name) => header.attr(name))).toEqual([
        to.startsWith('o') ? OTHER_DOMAIN : to.startsWith('X') || to === DOMAIN ? DOMAIN : 'bücher.example',
        '1.0',
        'en',
        undefined,
      ])
      ids.add(header.attr('id') ?? '')
      expect((await client.receive()).name).toBe('features')
      client.destroy()
    }
    expect(ids.size).toBe(5)
    for (const id of ids) expect(id.length).toBeGreaterThan(15)
  })

  test('that says who it is from is answered to the bare address', async () => {
    const client = house.inMemory()
    client.sayHeader({ to: DOMAIN, from: `Juliet@${DOMAIN}/balcony` })
    expect((await client.receiveHeader()).attr('to')).toBe(`juliet@${DOMAIN}`)
  })

  for (const [version, served] of [
    ['1.0', true],
    ['1.1', true],
    ['01.00', true],
    ['2.13', true],
    ['0.9', false],
    ['', false],
    ['1', false],
    ['one', false],
    ['1.0 ', false],
  ] as const) {
    test(`of version ${JSON.stringify(version)} is ${served ? 'served as 1.0' : 'an unsupported version'}`, async () => {
      const client = house.inMemory()
      client.sayHeader({ to: DOMAIN, version })
      expect((await client.receiveHeader()).attr('version')).toBe('1.0')
      if (served) expect((await client.receive()).name).toBe('features')
      else expect((await client.receiveStreamError()).condition).toBe('unsupported-version')
    })
  }

  for (const to of ['elsewhere.example', `juliet@${DOMAIN}`, `${DOMAIN}/x`, '@@', '']) {
    test(`to ${JSON.stringify(to)} is for an unknown host, and answered by one that is known`, async () => {
      const client = house.inMemory()
      client.sayHeader({ to })
      expect((await client.receiveHeader()).attr('from')).toBe(DOMAIN)
      const { condition, text } = await client.receiveStreamError()
      expect(condition).toBe('host-unknown')
      expect(text).not.toBe('')
      await client.receiveEnd()
    })
  }

  test('to nobody is for an unknown host where there are several, and for the only one where there is one', async () => {
    const client = house.inMemory()
    client.sayHeader({})
    expect((await client.receiveStreamError()).condition).toBe('host-unknown')
    const other = lone.inMemory()
    other.sayHeader({})
    expect((await other.receiveHeader()).attr('from')).toBe(DOMAIN)
    expect((await other.receive()).name).toBe('features')
  })

  test('from what is no address is an invalid sender', async () => {
    const client = house.inMemory()
    client.sayHeader({ to: DOMAIN, from: 'a b@@' })
    expect((await client.receiveHeader()).attr('to')).toBeUndefined()
    expect((await client.receiveStreamError()).condition).toBe('invalid-from')
  })

  for (const [ns, text] of [
    ['jabber:server', 'Server streams are not offered here'],
    ['jabber:component:accept', 'Component streams are not offered here'],
    ['jabber:nonsense', 'Streams here are in the namespace jabber:client'],
  ] as const) {
    test(`of ${ns} is refused with a reason`, async () => {
      const client = house.inMemory()
      client.sayHeader({ to: DOMAIN, ns })
      expect(await client.receiveStreamError()).toEqual({ condition: 'invalid-namespace', text })
      await client.receiveEnd()
    })
  }

  for (const [what, text, condition] of [
    [
      'in another namespace',
      `<stream:stream xmlns='${NS_CLIENT}' xmlns:stream='http://wrong.example/' to='${DOMAIN}' version='1.0'>`,
      'invalid-namespace',
    ],
    ['under another name', `<stream:streams xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}' to='${DOMAIN}' version='1.0'>`, 'bad-format'],
    ['that is a stanza', `<message xmlns='${NS_CLIENT}'/>`, 'invalid-namespace'],
    ['that is a web request', `GET / HTTP/1.1\r\nHost: ${DOMAIN}\r\n\r\n`, 'not-well-formed'],
    ['with a DTD', `<!DOCTYPE stream><stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}'>`, 'restricted-xml'],
    [
      'in another encoding',
      `<?xml version='1.0' encoding='ISO-8859-1'?><stream:stream xmlns='${NS_CLIENT}' xmlns:stream='${NS_STREAM}'>`,
      'unsupported-encoding',
    ],
    ['that never ends', `<stream:stream xmlns='${NS_CLIENT}' to='${'x'.repeat(20_000)}'`, 'policy-violation'],
  ] as const) {
    test(`${what} gets our header and then ${condition}`, async () => {
      const client = house.inMemory()
      client.say(text)
      const header = await client.receiveHeader()
      expect([header.name, header.ns, header.attr('from'), header.attr('version')]).toEqual(['stream', NS_STREAM, DOMAIN, '1.0'])
      expect((await client.receiveStreamError()).condition).toBe(condition)
      await client.receiveEnd()
    })
  }

  test('after TLS may not be of another kind of stream', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    await client.startTls()
    await client.plain('juliet', PASSWORD)
    client.expectRestart()
    client.sayHeader({ to: DOMAIN, ns: 'jabber:server' })
    expect((await client.receiveStreamError()).condition).toBe('invalid-namespace')
    client.destroy()
  })
})

describe('before the login', () => {
  test('a stanza ends the stream', async () => {
    const client = house.inMemory()
    await client.open({ to: DOMAIN })
    client.say(`<message to='romeo@${DOMAIN}'><body>Wherefore art thou?</body></message>`)
    expect((await client.receiveStreamError()).condition).toBe('not-authorized')
  })

  test('an element that means nothing ends the stream', async () => {
    const client = house.inMemory()
    await client.open({ to: DOMAIN })
    client.say("<gossip xmlns='urn:example:verona'/>")
    expect((await client.receiveStreamError()).condition).toBe('unsupported-stanza-type')
  })

  test('a stanza of more than 10,000 bytes is too much', async () => {
    const client = house.inMemory()
    await client.open({ to: DOMAIN })
    client.say(`<iq type='set' id='1'><query xmlns='jabber:iq:auth'>${'x'.repeat(10_001)}`)
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
  })

  test('64 KiB of anything are too much', async () => {
    const client = house.inMemory()
    await client.open({ to: DOMAIN })
    client.say(' '.repeat(40_000))
    client.say(' '.repeat(40_000))
    const { condition, text } = await client.receiveStreamError()
    expect([condition, text]).toEqual(['policy-violation', 'More than 65536 bytes without a login'])
  })

  test('spaces between elements keep a stream alive and nothing more', async () => {
    const client = house.inMemory()
    await client.open({ to: DOMAIN })
    client.say(' \n\t')
    await client.close()
  })
})
