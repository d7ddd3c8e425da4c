import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { Client, NS_CLIENT, NS_TLS } from '../support/client.ts'
import { NS_SASL, Refused, refusalIn } from '../support/sasl-answers.ts'
import { DOMAIN, OTHER_DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

const ALL = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN']
const NS_CB = 'urn:xmpp:sasl-cb:0'

let house: StreamHouse
beforeAll(async () => {
  house = await streamHouse({
    domains: [{ name: DOMAIN }, { name: OTHER_DOMAIN, mechanisms: ['SCRAM-SHA-256', 'PLAIN'], requireTls: false }],
    accounts: [`juliet@${DOMAIN}`, `juliet@${OTHER_DOMAIN}`, `tschüss@${DOMAIN}`],
    guesses: { failuresPerAccount: 1000, failuresPerAddress: 1000 },
  })
})
afterAll(() => house.stop())

/** A client behind STARTTLS, with its features. */
async function secured(options: Parameters<Client['startTls']>[0] = {}): Promise<Client> {
  const client = await Client.connect(house.port)
  await client.open({ to: DOMAIN })
  await client.startTls(options)
  return client
}

const refused = async (login: Promise<unknown>): Promise<{ condition: string; text: string | undefined }> => {
  const cause: unknown = await login.catch((error: unknown) => error)
  if (!(cause instanceof Refused)) throw new Error(`not refused: ${cause}`)
  return { condition: cause.condition, text: cause.text }
}

const bound = async (client: Client): Promise<string> => {
  await client.restart()
  return client.bind('balcony')
}

describe('who logs in', () => {
  for (const [what, login] of [
    ['PLAIN', (client: Client) => client.plain('juliet', PASSWORD)],
    ['PLAIN with her own address as identity', (client: Client) => client.plain('juliet', PASSWORD, `juliet@${DOMAIN}`)],
    ['SCRAM-SHA-1', (client: Client) => client.scram({ user: 'juliet', password: PASSWORD, hash: 'SHA-1' })],
    ['SCRAM-SHA-256', (client: Client) => client.scram({ user: 'juliet', password: PASSWORD })],
    [
      'SCRAM-SHA-256 with her own address as identity',
      (client: Client) => client.scram({ user: 'juliet', password: PASSWORD, authzid: `juliet@${DOMAIN}` }),
    ],
    [
      'SCRAM-SHA-1-PLUS bound by the exporter',
      (client: Client) => client.scram({ user: 'juliet', password: PASSWORD, hash: 'SHA-1', binding: 'tls-exporter' }),
    ],
    [
      'SCRAM-SHA-256-PLUS bound by the exporter',
      (client: Client) => client.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-exporter' }),
    ],
    [
      'SCRAM-SHA-256-PLUS bound by the certificate',
      (client: Client) => client.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-server-end-point' }),
    ],
  ] as const) {
    test(`juliet logs in with ${what}`, async () => {
      const client = await secured()
      await login(client)
      expect(await bound(client)).toBe(`juliet@${DOMAIN}/balcony`)
      await client.close()
    })
  }

  test('juliet logs in bound by her Finished, as old clients do, though nobody offered it', async () => {
    const client = await secured()
    await client.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-unique' })
    expect(await bound(client)).toBe(`juliet@${DOMAIN}/balcony`)
    await client.close()
  })

  test('after a resumption a Finished binds nothing, and the exporter still does', async () => {
    const first = await secured()
    const again = await secured({ session: first.tls.getSession() })
    expect(again.tls.isSessionReused()).toBe(true)
    expect((await refused(again.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-unique' }))).condition).toBe('not-authorized')
    await again.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-exporter' })
    first.destroy()
    again.destroy()
  })

  test('a name is folded and prepared like any address', async () => {
    const client = await secured()
    await client.scram({ user: 'TSCHÜSS', password: PASSWORD })
    expect(await bound(client)).toBe(`tschüss@${DOMAIN}/balcony`)
    await client.close()
  })

  test('with TLS 1.2 the certificate is there to bind to, and the exporter is not', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    const features = await client.startTls({ maxVersion: 'TLSv1.2' })
    const types = features.child('sasl-channel-binding', NS_CB)?.elements()
    expect(types?.map((type) => type.attr('type'))).toEqual(['tls-server-end-point'])
    expect((await refused(client.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-exporter' }))).condition).toBe('not-authorized')
    await client.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-server-end-point' })
    await client.close()
  })

  test('a client that sends no initial response is asked for it', async () => {
    const client = await secured()
    client.auth('PLAIN')
    const challenge = await client.receive()
    expect([challenge.name, challenge.ns, challenge.text()]).toEqual(['challenge', NS_SASL, ''])
    client.respond(Buffer.from(`\0juliet\0${PASSWORD}`))
    expect((await client.receive()).name).toBe('success')
    await client.close()
  })

  test('a second auth replaces an exchange that was begun', async () => {
    const client = await secured()
    client.auth('SCRAM-SHA-256', Buffer.from('n,,n=juliet,r=abc'))
    expect((await client.receive()).name).toBe('challenge')
    await client.plain('juliet', PASSWORD)
    await client.close()
  })

  test('a client that sends everything at once is answered in order', async () => {
    const client = await secured()
    const message = Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64')
    client.say(`<auth xmlns='${NS_SASL}' mechanism='PLAIN'>${message}</auth>`)
    client.say(`<stream:stream xmlns='${NS_CLIENT}' xmlns:stream='http://etherx.jabber.org/streams' to='${DOMAIN}' version='1.0'>`)
    client.say(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>early</resource></bind></iq>`)
    expect((await client.receive()).name).toBe('success')
    client.expectRestart()
    await client.receiveHeader()
    expect((await client.receive()).name).toBe('features')
    expect((await client.receive()).child('bind', 'urn:ietf:params:xml:ns:xmpp-bind')?.child('jid')?.text()).toBe(`juliet@${DOMAIN}/early`)
    await client.close()
  })
})

describe('what is offered', () => {
  test('in the clear nothing but TLS', async () => {
    const client = await Client.connect(house.port)
    const features = await client.open({ to: DOMAIN })
    expect(features.elements().map(({ name }) => name)).toEqual(['starttls'])
    expect(features.child('starttls', NS_TLS)?.child('required')).toBeDefined()
    await client.close()
  })

  test('under TLS every mechanism of the domain, the bindings, and no second TLS', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    const features = await client.startTls()
    expect(features.elements().map(({ name }) => name)).toEqual(['mechanisms', 'sasl-channel-binding'])
    expect(
      features
        .child('mechanisms', NS_SASL)
        ?.elements()
        .map((one) => one.text()),
    ).toEqual(ALL)
    const bindings = features.child('sasl-channel-binding', NS_CB)?.elements()
    expect(bindings?.map((one) => one.attr('type'))).toEqual(['tls-exporter', 'tls-server-end-point'])
    await client.close()
  })

  test('a domain that does not require TLS offers passwords in the clear, and TLS beside them', async () => {
    const client = await Client.connect(house.port)
    const features = await client.open({ to: OTHER_DOMAIN })
    expect(features.elements().map(({ name }) => name)).toEqual(['starttls', 'mechanisms'])
    expect(features.child('starttls', NS_TLS)?.elements()).toEqual([])
    await client.plain('juliet', PASSWORD)
    expect(await bound(client)).toBe(`juliet@${OTHER_DOMAIN}/balcony`)
    await client.close()
  })

  test('after the login neither TLS nor SASL, but a resource, the session of old, and what rosters know', async () => {
    const client = await secured()
    await client.plain('juliet', PASSWORD)
    const features = await client.restart()
    expect(features.elements().map(({ name }) => name)).toEqual(['bind', 'session', 'ver', 'sub'])
    expect(features.child('session', 'urn:ietf:params:xml:ns:xmpp-session')?.child('optional')).toBeDefined()
    await client.close()
  })
})

describe('who does not', () => {
  test('a wrong password and a name nobody has get the same answer, to the letter', async () => {
    const client = await secured()
    const wrong = await refused(client.plain('juliet', 'rosaline'))
    expect(wrong.condition).toBe('not-authorized')
    expect(await refused(client.plain('nobody', PASSWORD))).toEqual(wrong)
    expect(await refused(client.scram({ user: 'juliet', password: 'rosaline' }))).toEqual(wrong)
    expect(await refused(client.scram({ user: 'nobody', password: PASSWORD }))).toEqual(wrong)
    await client.destroy()
  })

  test('a name nobody has shows the same salt at each attempt, and as many rounds as a real one', async () => {
    const challenges: string[] = []
    for (const user of ['nobody', 'nobody', 'somebody', 'juliet']) {
      const client = await secured()
      client.auth('SCRAM-SHA-256', Buffer.from(`n,,n=${user},r=abc`))
      challenges.push(
        Buffer.from((await client.receive()).text(), 'base64')
          .toString()
          .replace(/^r=[^,]*,/, ''),
      )
      client.destroy()
    }
    expect(challenges[0]).toBe(challenges[1])
    expect(challenges[0]).not.toBe(challenges[2])
    expect(challenges.map((one) => [one.length, one.split(',i=')[1]])).toEqual(challenges.map(() => [challenges[0]?.length, '4096']))
  })

  test('acting for somebody else is refused', async () => {
    const client = await secured()
    expect((await refused(client.plain('juliet', PASSWORD, `romeo@${DOMAIN}`))).condition).toBe('invalid-authzid')
    expect((await refused(client.scram({ user: 'juliet', password: PASSWORD, authzid: `romeo@${DOMAIN}` }))).condition).toBe(
      'invalid-authzid',
    )
    client.destroy()
  })

  test('a password in the clear is refused where TLS is required, whatever the list said', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    expect((await refused(client.plain('juliet', PASSWORD))).condition).toBe('encryption-required')
    expect((await refused(client.scram({ user: 'juliet', password: PASSWORD }))).condition).toBe('encryption-required')
    client.destroy()
  })

  test('a mechanism nobody speaks is invalid, one that the domain has switched off too weak', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: OTHER_DOMAIN })
    client.auth('NTLM')
    expect(refusalIn(await client.receive()).condition).toBe('invalid-mechanism')
    client.auth(undefined)
    expect(refusalIn(await client.receive()).condition).toBe('invalid-mechanism')
    client.auth('SCRAM-SHA-1', Buffer.from('n,,n=juliet,r=abc'))
    expect(refusalIn(await client.receive()).condition).toBe('mechanism-too-weak')
    client.destroy()
  })

  test('a client whose list of mechanisms was cut on the way is told so', async () => {
    const client = await secured()
    const { condition, text } = await refused(client.scram({ user: 'juliet', password: PASSWORD, flag: 'y' }))
    expect(condition).toBe('not-authorized')
    expect(text).toContain('changed the list')
    client.destroy()
  })

  test('a binding to another channel does not pass: somebody sits in the middle', async () => {
    const client = await secured()
    for (const binding of ['tls-exporter', 'tls-server-end-point', 'tls-unique']) {
      const login = client.scram({ user: 'juliet', password: PASSWORD, binding, bindingData: Buffer.alloc(32, 7) })
      expect((await refused(login)).condition).toBe('not-authorized')
    }
    client.destroy()
  })

  test('a binding under the name of a mechanism without one is malformed, and the other way round', async () => {
    const client = await secured()
    const login = client.scram({ user: 'juliet', password: PASSWORD, binding: 'tls-exporter', mechanism: 'SCRAM-SHA-256' })
    expect((await refused(login)).condition).toBe('malformed-request')
    expect((await refused(client.scram({ user: 'juliet', password: PASSWORD, mechanism: 'SCRAM-SHA-256-PLUS' }))).condition).toBe(
      'malformed-request',
    )
    client.destroy()
  })

  for (const text of ['@@@@', 'AAA', 'A===', 'AAAA=', 'AA AA', '==']) {
    test(`${JSON.stringify(text)} is not base64`, async () => {
      const client = await secured()
      client.auth('PLAIN', text)
      expect(refusalIn(await client.receive()).condition).toBe('incorrect-encoding')
      await client.close()
    })
  }

  test('an exchange can be aborted, and another begun', async () => {
    const client = await secured()
    client.auth('SCRAM-SHA-256', Buffer.from('n,,n=juliet,r=abc'))
    await client.receive()
    client.send(el('abort', NS_SASL))
    expect(refusalIn(await client.receive()).condition).toBe('aborted')
    client.respond(Buffer.from('c=biws,r=abc,p=AAAA'))
    expect(refusalIn(await client.receive()).condition).toBe('malformed-request')
    await client.plain('juliet', PASSWORD)
    await client.close()
  })

  test('after five failures the stream ends', async () => {
    const client = await secured()
    for (let i = 0; i < 5; i++) expect((await refused(client.plain('juliet', 'wrong'))).condition).toBe('not-authorized')
    expect((await client.receiveStreamError()).condition).toBe('policy-violation')
    await client.receiveEnd()
  })

  test('a header that says another name than the login ends the stream', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN, from: `romeo@${DOMAIN}` })
    await client.startTls()
    client.auth('PLAIN', Buffer.from(`\0juliet\0${PASSWORD}`))
    expect((await client.receiveStreamError()).condition).toBe('invalid-from')
  })

  test('the stream after the login goes to the same domain', async () => {
    const client = await secured()
    await client.plain('juliet', PASSWORD)
    client.expectRestart()
    client.sayHeader({ to: OTHER_DOMAIN })
    expect((await client.receiveStreamError()).condition).toBe('host-unknown')
  })

  test('a login cannot be followed by another one', async () => {
    const client = await secured()
    await client.plain('juliet', PASSWORD)
    await client.restart()
    client.auth('PLAIN', Buffer.from(`\0juliet\0${PASSWORD}`))
    expect((await client.receiveStreamError()).condition).toBe('unsupported-stanza-type')
  })

  test('a store that fails is a temporary failure, and the log says why', async () => {
    const broken = await streamHouse()
    broken.store.accounts.find = () => {
      throw new Error('the disk is full')
    }
    const client = await Client.connect(broken.port)
    await client.open({ to: DOMAIN })
    await client.startTls()
    expect((await refused(client.plain('juliet', PASSWORD))).condition).toBe('temporary-auth-failure')
    expect(broken.log.of('account_lookup_failed')[0]?.level).toBe('failures')
    client.destroy()
    await broken.stop()
  })
})

test('no password and no proof stands in the log, not even at the highest level', async () => {
  const client = await secured()
  await client.plain('juliet', PASSWORD)
  await client.restart()
  await client.bind()
  await client.close()
  const all = JSON.stringify(house.log.records)
  expect(all).toContain('(blanked)')
  expect(all).not.toContain(PASSWORD)
  expect(all).not.toContain(Buffer.from(`\0juliet\0${PASSWORD}`).toString('base64'))
  expect(all).not.toMatch(/<response xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>[^(]/)
})
