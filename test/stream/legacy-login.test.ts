import { createHash, createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Element, el } from '../../src/xml/element.ts'
import { Client, NS_CLIENT, NS_STANZAS } from '../support/client.ts'
import { challengeIn, refusalIn, successIn } from '../support/sasl-answers.ts'
import { DOMAIN, OTHER_DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

const NS_AUTH = 'jabber:iq:auth'
const OLD = ['SCRAM-SHA-512', 'SCRAM-SHA-1', 'DIGEST-MD5', 'CRAM-MD5', 'PLAIN', 'LOGIN']

let house: StreamHouse
beforeAll(async () => {
  house = await streamHouse({
    domains: [
      { name: DOMAIN, mechanisms: OLD, legacyLogin: true, requireTls: false },
      { name: OTHER_DOMAIN, mechanisms: ['PLAIN'], legacyLogin: true },
    ],
    accounts: [`juliet@${DOMAIN}`, `juliet@${OTHER_DOMAIN}`],
    guesses: { failuresPerAccount: 1000, failuresPerAddress: 1000 },
  })
})
afterAll(() => house.stop())

/** Somebody of before 2004: no version, no features. */
async function oldClient(): Promise<{ client: Client; id: string }> {
  const client = await Client.connect(house.port)
  client.sayHeader({ to: DOMAIN, version: '' })
  const header = await client.receiveHeader()
  expect(header.attr('version')).toBeUndefined()
  return { client, id: header.attr('id') ?? '' }
}

function login(fields: Readonly<Record<string, string>>): Element {
  const children = Object.entries(fields).map(([name, text]) => el(name, NS_AUTH, {}, text))
  return el('iq', NS_CLIENT, { type: 'set', id: 'in' }, el('query', NS_AUTH, {}, ...children))
}

const digestOf = (id: string, password: string): string => createHash('sha1').update(`${id}${password}`).digest('hex')

async function asks(client: Client, xml: Element): Promise<Element> {
  client.send(xml)
  return client.receive()
}

const refusal = (answer: Element): (string | undefined)[] => {
  const error = answer.child('error')
  return [answer.attr('type'), error?.attr('code'), error?.elements()[0]?.name]
}

describe('a client older than SASL', () => {
  test('asks for the fields, and they are the same for a name nobody has', async () => {
    const { client } = await oldClient()
    for (const username of ['juliet', 'nobody']) {
      const query = el('query', NS_AUTH, {}, el('username', NS_AUTH, {}, username))
      const answer = await asks(client, el('iq', NS_CLIENT, { type: 'get', id: 'f', to: DOMAIN }, query))
      const fields = answer.child('query', NS_AUTH)?.elements()
      expect(fields?.map(({ name }) => name)).toEqual(['username', 'password', 'digest', 'resource'])
    }
    await client.close()
  })

  test('logs in with the digest of her password, and is bound at once', async () => {
    const { client, id } = await oldClient()
    const answer = await asks(client, login({ username: 'juliet', digest: digestOf(id, PASSWORD), resource: 'balcony' }))
    expect(answer.attr('type')).toBe('result')
    expect(house.sessions.sessionsOf(`juliet@${DOMAIN}`).map(({ jid }) => jid.toString())).toEqual([`juliet@${DOMAIN}/balcony`])
    client.send(el('message', NS_CLIENT, { to: `juliet@${DOMAIN}/balcony` }, el('body', NS_CLIENT, {}, 'to myself')))
    expect((await client.receive()).child('body')?.text()).toBe('to myself')
    await client.close()
  })

  test('logs in with the password itself', async () => {
    const { client } = await oldClient()
    const answer = await asks(client, login({ username: 'Juliet', password: PASSWORD, resource: 'balcony' }))
    expect(answer.attr('type')).toBe('result')
    await client.close()
  })

  test('is told the same of a wrong password, a wrong digest and a name nobody has', async () => {
    const { client, id } = await oldClient()
    const answers: string[] = []
    for (const fields of [
      { username: 'juliet', password: 'wrong' },
      { username: 'nobody', password: PASSWORD },
      { username: 'juliet', digest: digestOf(id, 'wrong') },
      { username: 'nobody', digest: digestOf(id, PASSWORD) },
    ]) {
      const answer = await asks(client, login({ ...fields, resource: 'balcony' }))
      expect(refusal(answer)).toEqual(['error', '401', 'not-authorized'])
      answers.push(answer.child('error')?.child('text', NS_STANZAS)?.text() ?? '')
    }
    expect(new Set(answers).size).toBe(1)
    client.destroy()
  })

  test('a digest made for another stream is no good here', async () => {
    const first = await oldClient()
    const second = await oldClient()
    const answer = await asks(second.client, login({ username: 'juliet', digest: digestOf(first.id, PASSWORD), resource: 'x' }))
    expect(refusal(answer)).toEqual(['error', '401', 'not-authorized'])
    first.client.destroy()
    second.client.destroy()
  })

  for (const [what, fields] of [
    ['no resource', { username: 'juliet', password: PASSWORD }],
    ['no name', { password: PASSWORD, resource: 'balcony' }],
    ['no proof', { username: 'juliet', resource: 'balcony' }],
    ['a name with a blank', { username: 'juliet capulet', password: PASSWORD, resource: 'balcony' }],
  ] as const)
    test(`with ${what} it is told what is missing, and nothing of what it sent comes back`, async () => {
      const { client } = await oldClient()
      const answer = await asks(client, login(fields))
      expect(refusal(answer)).toEqual(['error', '406', 'not-acceptable'])
      expect(answer.child('query', NS_AUTH)).toBeUndefined()
      client.destroy()
    })

  test('guesses five times, and the stream ends', async () => {
    const { client } = await oldClient()
    for (let i = 0; i < 5; i++) await asks(client, login({ username: 'juliet', password: 'wrong', resource: 'x' }))
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
  })

  test('cannot log in twice', async () => {
    const { client } = await oldClient()
    await asks(client, login({ username: 'juliet', password: PASSWORD, resource: 'balcony' }))
    const again = await asks(
      client,
      login({ username: 'juliet', password: PASSWORD, resource: 'other' }).withAttr('to', `juliet@${DOMAIN}/balcony`),
    )
    expect(house.sessions.sessionsOf(`juliet@${DOMAIN}`)).toHaveLength(1)
    expect(again.attr('type')).toBe('set') // carried to the session like any other iq
    await client.close()
  })
})

describe('what a domain offers of it', () => {
  test('beside SASL, as a feature of the stream', async () => {
    const client = await Client.connect(house.port)
    const features = await client.open({ to: DOMAIN })
    expect(features.elements().map(({ name }) => name)).toEqual(['starttls', 'mechanisms', 'auth'])
    expect(features.child('auth', 'http://jabber.org/features/iq-auth')).toBeDefined()
    await client.close()
  })

  test('where CRAM-MD5 is off, there is no digest either, not even for who sends one', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: OTHER_DOMAIN })
    await client.startTls()
    const answer = await asks(client, el('iq', NS_CLIENT, { type: 'get', id: 'f' }, el('query', NS_AUTH)))
    const fields = answer.child('query', NS_AUTH)?.elements()
    expect(fields?.map(({ name }) => name)).toEqual(['username', 'password', 'resource'])
    const digest = await asks(client, login({ username: 'juliet', digest: digestOf('x', PASSWORD), resource: 'x' }))
    expect(refusal(digest)).toEqual(['error', '406', 'not-acceptable'])
    client.destroy()
  })

  test('in the clear nothing where TLS is required, neither offered nor taken', async () => {
    const client = await Client.connect(house.port)
    const features = await client.open({ to: OTHER_DOMAIN })
    expect(features.elements().map(({ name }) => name)).toEqual(['starttls'])
    const answer = await asks(client, login({ username: 'juliet', password: PASSWORD, resource: 'x' }))
    expect(refusal(answer)[2]).toBe('service-unavailable')
    client.destroy()
  })

  test('a domain that has it switched off does not serve streams without a version', async () => {
    const plain = await streamHouse()
    const client = await Client.connect(plain.port)
    client.sayHeader({ to: DOMAIN, version: '' })
    expect((await client.receiveStreamError()).condition).toBe('unsupported-version')
    await plain.stop()
  })
})

describe('old mechanisms on a stream', () => {
  const opened = async (): Promise<Client> => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    return client
  }
  const challenge = async (client: Client): Promise<string> => Buffer.from(challengeIn(await client.receive()), 'base64').toString()

  test('CRAM-MD5 lets juliet in by what only she and the sealed password know', async () => {
    const client = await opened()
    client.auth('CRAM-MD5')
    const asked = await challenge(client)
    client.respond(Buffer.from(`juliet ${createHmac('md5', PASSWORD).update(asked).digest('hex')}`))
    successIn(await client.receive())
    await client.close()
  })

  test('a digest for CRAM-MD5 that nobody kept the password for fails like any wrong one', async () => {
    const client = await opened()
    for (const user of ['juliet', 'nobody']) {
      client.auth('CRAM-MD5')
      await challenge(client)
      client.respond(Buffer.from(`${user} ${'0'.repeat(32)}`))
      expect(refusalIn(await client.receive())).toMatchObject({
        condition: 'not-authorized',
        text: 'The user name or the password is wrong',
      })
    }
    client.destroy()
  })

  test('LOGIN asks for the name, then for the password', async () => {
    const client = await opened()
    client.auth('LOGIN')
    await challenge(client)
    client.respond(Buffer.from('juliet'))
    await challenge(client)
    client.respond(Buffer.from(PASSWORD))
    successIn(await client.receive())
    await client.close()
  })

  test('no digest and no password of old clients stands in the log', async () => {
    const { client, id } = await oldClient()
    const digest = digestOf(id, PASSWORD)
    await asks(client, login({ username: 'juliet', digest, password: PASSWORD, resource: 'balcony' }))
    await client.close()
    const all = JSON.stringify(house.log.records)
    expect(all).toContain('jabber:iq:auth')
    expect(all).not.toContain(PASSWORD)
    expect(all).not.toContain(digest)
  })
})
