import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { el } from '../../src/xml/element.ts'
import { type Client, NS_BIND, NS_CLIENT, NS_STANZAS } from '../support/client.ts'
import { DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

let house: StreamHouse
const clients: Client[] = []
beforeAll(async () => {
  house = await streamHouse({ domains: [{ name: DOMAIN, requireTls: false }], limits: { sessionsPerAccount: 4 } })
})
afterAll(() => house.stop())
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

/** Logged in, in memory, not yet bound. */
async function known(user: string): Promise<Client> {
  const client = house.inMemory()
  clients.push(client)
  await client.open({ to: DOMAIN, lang: 'it' })
  await client.plain(user, PASSWORD)
  await client.restart()
  return client
}

async function session(user: string, resource: string): Promise<Client> {
  const client = await known(user)
  await client.bind(resource)
  return client
}

const of = (address: string) => house.sessions.find(Jid.parse(address))
/** What was said before this has been heard. */
const heard = async (client: Client): Promise<void> => {
  client.say("<iq type='set' id='heard'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
  expect((await client.receive()).attr('id')).toBe('heard')
}

describe('binding', () => {
  test('gives a random resource to who asks for none', async () => {
    const client = await known('juliet')
    const other = await known('juliet')
    const first = await client.bind()
    const second = await other.bind('')
    expect(first).toMatch(new RegExp(`^juliet@${DOMAIN}/[0-9a-f-]{36}$`))
    expect(second).toMatch(new RegExp(`^juliet@${DOMAIN}/[0-9a-f-]{36}$`))
    expect(first).not.toBe(second)
  })

  test('prepares the resource that is asked for', async () => {
    const client = await known('juliet')
    expect(await client.bind('bal\u00a0co\u0301n')).toBe(`juliet@${DOMAIN}/bal c\u00f3n`)
  })

  test('makes a session with address, SIP address and language', async () => {
    await session('juliet', 'balcony')
    const bound = of(`juliet@${DOMAIN}/balcony`)
    expect(bound?.uri.toString()).toBe(`sip:juliet@${DOMAIN};gr=balcony`)
    expect(bound?.priority).toBeUndefined()
    expect(bound && 'lang' in bound && bound.lang).toBe('it')
  })

  test('of a resource that is none is a bad request, and can be tried again up to ten times', async () => {
    const client = await known('juliet')
    for (let i = 0; i < 10; i++) {
      client.say(`<iq type='set' id='b${i}'><bind xmlns='${NS_BIND}'><resource>a\u200eb</resource></bind></iq>`)
      const answer = await client.receive()
      expect([answer.attr('type'), answer.attr('id')]).toEqual(['error', `b${i}`])
      expect(answer.child('error')?.child('bad-request', NS_STANZAS)).toBeDefined()
    }
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
  })

  test('is an iq of type set with an id', async () => {
    const client = await known('juliet')
    client.say(`<iq type='get' id='b'><bind xmlns='${NS_BIND}'/></iq><iq type='set'><bind xmlns='${NS_BIND}'/></iq>`)
    expect((await client.receive()).child('error')?.child('bad-request', NS_STANZAS)).toBeDefined()
    expect((await client.receive()).child('error')?.child('bad-request', NS_STANZAS)).toBeDefined()
    await client.bind('third')
  })

  test('twice is not allowed, and the session stays', async () => {
    const client = await session('juliet', 'one')
    client.say(`<iq type='set' id='again'><bind xmlns='${NS_BIND}'><resource>two</resource></bind></iq>`)
    expect((await client.receive()).child('error')?.child('not-allowed', NS_STANZAS)).toBeDefined()
    expect(of(`juliet@${DOMAIN}/one`)).toBeDefined()
  })

  test('beyond the connections of an account is a lack of room', async () => {
    for (const resource of ['1', '2', '3', '4']) await session('romeo', resource)
    const fifth = await known('romeo')
    fifth.say(`<iq type='set' id='b'><bind xmlns='${NS_BIND}'><resource>5</resource></bind></iq>`)
    expect((await fifth.receive()).child('error')?.child('resource-constraint', NS_STANZAS)).toBeDefined()
    // One of the four again is no fifth.
    expect(await fifth.bind('4')).toBe(`romeo@${DOMAIN}/4`)
    expect((await clients[3]?.receiveStreamError())?.condition).toBe('conflict')
  })

  test('the session of old is answered and changes nothing', async () => {
    const client = await session('juliet', 'balcony')
    client.say("<iq type='set' id='s'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
    const answer = await client.receive()
    expect([answer.attr('type'), answer.attr('id'), answer.children]).toEqual(['result', 's', []])
  })

  test('comes before any stanza', async () => {
    const client = await known('juliet')
    client.say(`<message to='romeo@${DOMAIN}'/>`)
    expect(await client.receiveStreamError()).toEqual({ condition: 'not-authorized', text: 'Bind a resource first' })
  })
})

describe('the newer connection of a resource wins', () => {
  test('and the older one is told why', async () => {
    const older = await session('juliet', 'balcony')
    const newer = await session('juliet', 'balcony')
    expect((await older.receiveStreamError()).condition).toBe('conflict')
    await older.receiveEnd()
    expect(house.sessions.sessionsOf(`juliet@${DOMAIN}`)).toHaveLength(1)
    newer.say(`<message to='juliet@${DOMAIN}/balcony' id='mine'/>`)
    expect((await newer.receive()).attr('id')).toBe('mine')
  })
})

describe('presence', () => {
  const balcony = `juliet@${DOMAIN}/balcony`

  test('without an addressee says whether the device is there, and with which priority', async () => {
    const client = await session('juliet', 'balcony')
    for (const [xml, priority] of [
      ['<presence/>', 0],
      ['<presence><priority>5</priority></presence>', 5],
      ['<presence><priority> -128 </priority></presence>', -128],
      ['<presence><priority>127</priority><show>away</show></presence>', 127],
      [`<presence to='romeo@${DOMAIN}' type='unavailable'/>`, 127],
      [`<presence to='romeo@${DOMAIN}'><priority>3</priority></presence>`, 127],
      ["<presence type='unavailable'/>", undefined],
    ] as const) {
      client.say(xml)
      await heard(client)
      expect(of(balcony)?.priority).toBe(priority)
    }
  })

  for (const priority of ['128', '-129', 'high', '', '1.5', '1000000', 'NaN']) {
    test(`with the priority ${JSON.stringify(priority)} is a bad request`, async () => {
      const client = await session('juliet', 'balcony')
      client.say(`<presence id='p'><priority>${priority}</priority></presence>`)
      const answer = await client.receive()
      expect([answer.name, answer.attr('type'), answer.attr('id')]).toEqual(['presence', 'error', 'p'])
      expect(answer.child('error')?.child('bad-request', NS_STANZAS)).toBeDefined()
      expect(of(balcony)?.priority).toBeUndefined()
    })
  }
})

describe('a stanza', () => {
  for (const from of [undefined, `juliet@${DOMAIN}/balcony`, `juliet@${DOMAIN}`, `JULIET@${DOMAIN.toUpperCase()}`]) {
    test(`from ${from ?? 'nobody'} is juliet's own`, async () => {
      const client = await session('juliet', 'balcony')
      client.send(el('message', NS_CLIENT, { to: `juliet@${DOMAIN}`, from }))
      expect((await client.receive()).attr('from')).toBe(`juliet@${DOMAIN}/balcony`)
    })
  }

  for (const from of [`romeo@${DOMAIN}`, `juliet@${DOMAIN}/chamber`, DOMAIN, '@@', '']) {
    test(`from ${JSON.stringify(from)} is not, and ends the stream`, async () => {
      const client = await session('juliet', 'balcony')
      client.send(el('message', NS_CLIENT, { to: `romeo@${DOMAIN}`, from }))
      expect((await client.receiveStreamError()).condition).toBe('invalid-from')
      expect(of(`juliet@${DOMAIN}/balcony`)).toBeUndefined()
    })
  }

  for (const xml of [
    "<message xmlns='jabber:server'/>",
    "<r xmlns='urn:xmpp:sm:3'/>",
    '<query/>',
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
  ]) {
    test(`is not ${xml}`, async () => {
      const client = await session('juliet', 'balcony')
      client.say(xml)
      expect((await client.receiveStreamError()).condition).toBe('unsupported-stanza-type')
    })
  }

  test('of 262,144 bytes passes, one byte more ends the stream', async () => {
    const client = await session('juliet', 'balcony')
    const around = `<message to='juliet@${DOMAIN}'><body></body></message>`.length
    const stanza = (bytes: number) => `<message to='juliet@${DOMAIN}'><body>${'x'.repeat(bytes - around)}</body></message>`
    client.say(stanza(262_144))
    expect((await client.receive()).child('body')?.text()).toHaveLength(262_144 - around)
    client.say(stanza(262_145))
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
  })
})

test('what is delivered in one turn of the event loop arrives in order, and written() says when the kernel has it', async () => {
  const client = await session('juliet', 'balcony')
  const bound = of(`juliet@${DOMAIN}/balcony`)
  for (let i = 0; i < 100; i++) bound?.deliver(el('message', NS_CLIENT, { id: String(i) }))
  await bound?.written()
  await bound?.written()
  for (let i = 0; i < 100; i++) expect((await client.receive()).attr('id')).toBe(String(i))
})

test('a session that has ended takes nothing more, and written() says so', async () => {
  await session('juliet', 'balcony')
  const bound = of(`juliet@${DOMAIN}/balcony`)
  bound?.end('no such condition', 'The play is over')
  bound?.deliver(el('message', NS_CLIENT))
  await expect(bound?.written()).rejects.toThrow()
  const [client] = clients
  expect(await client?.receiveStreamError()).toEqual({ condition: 'undefined-condition', text: 'The play is over' })
  expect(house.ended).toContain(`juliet@${DOMAIN}/balcony`)
})
