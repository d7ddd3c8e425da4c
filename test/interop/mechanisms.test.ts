/** Every way to log in, by programs nobody here wrote: the right password, a wrong one, another channel, a list that was cut. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClientAuthority, xmppAddr } from '../support/client-certificates.ts'
import { Gateway } from './peers/gateway.ts'
import { gsasl } from './peers/gsasl.ts'
import { lacks } from './peers/installed.ts'
import { loginBy, netXmpp } from './peers/mechanism-peer.ts'

const ALL = [
  ...['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-512', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1'],
  ...['DIGEST-MD5', 'CRAM-MD5', 'PLAIN', 'LOGIN'],
]

let gateway: Gateway
/** Offers no channel binding, and lets old clients in. */
let old: Gateway
beforeAll(async () => {
  gateway = await Gateway.start({ domain: { mechanisms: ALL } })
  old = await Gateway.start({ domain: { mechanisms: ALL.filter((name) => !name.endsWith('-PLUS')), legacyLogin: true, requireTls: false } })
  await gateway.add('juliet', 'romeo', 'nurse', 'friar')
  await old.add('juliet')
})
afterAll(async () => {
  await gateway?.stop()
  await old?.stop()
})

/** Ten wrong guesses at one account are enough for a minute: each group of tests has its own. */
const at = (user: string, where: Gateway = gateway) => where.login(user, 'balcony')
const wrong = (user: string, where: Gateway = gateway) => ({ ...at(user, where), password: 'rosaline' })
let strangers = 0
const nobody = (where: Gateway = gateway) => ({ ...at('juliet', where), jid: `nobody-${strangers++}@${where.domain}` })

describe.skipIf(lacks('gsasl'))('GNU SASL', () => {
  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-1', 'DIGEST-MD5', 'CRAM-MD5', 'PLAIN', 'LOGIN']) {
    test(`${mechanism}: logs in with the right password`, async () => {
      expect(await gsasl(at('juliet'), mechanism, gateway.domain)).toEqual({ result: 'success' })
    })

    test(`${mechanism}: a wrong password and a name nobody has are not authorized`, async () => {
      for (const login of [wrong('juliet'), nobody()])
        expect(await gsasl(login, mechanism, gateway.domain)).toMatchObject({ result: 'failure', condition: 'not-authorized' })
    })
  }
})

describe.skipIf(lacks('slixmpp'))('slixmpp', () => {
  for (const mechanism of ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'DIGEST-MD5', 'CRAM-MD5', 'PLAIN', 'LOGIN']) {
    test(`${mechanism}: logs in with the right password and not with a wrong one`, async () => {
      expect(await loginBy({ library: 'slixmpp', mechanism }, at('romeo'))).toEqual({ jid: 'romeo@xmpp.example/balcony', mechanism })
      expect(await loginBy({ library: 'slixmpp', mechanism }, wrong('romeo'))).toEqual({ condition: 'not-authorized' })
      expect(await loginBy({ library: 'slixmpp', mechanism }, nobody())).toEqual({ condition: 'not-authorized' })
    })
  }

  for (const mechanism of ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS'])
    test(`${mechanism}: on another channel than the server's the right password is no good`, async () => {
      expect(await loginBy({ library: 'slixmpp', mechanism, binding: 'somebody in the middle' }, at('nurse'))).toEqual({
        condition: 'not-authorized',
      })
    })

  for (const mechanism of ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1'])
    test(`${mechanism}: a client that could bind, and saw a list without -PLUS where there is one, is refused; where there is none it logs in`, async () => {
      expect(await loginBy({ library: 'slixmpp', mechanism }, at('nurse'))).toEqual({ condition: 'not-authorized' })
      expect(await loginBy({ library: 'slixmpp', mechanism }, at('juliet', old))).toMatchObject({ mechanism })
    })
})

describe.skipIf(lacks('slixmpp'))('slixmpp with a certificate', () => {
  let ours: ClientAuthority
  let theirs: ClientAuthority
  let certifying: Gateway
  beforeAll(async () => {
    ours = await ClientAuthority.make()
    theirs = await ClientAuthority.make()
    certifying = await Gateway.start({ domain: { mechanisms: ['EXTERNAL', 'PLAIN'], clientCertificates: { authorities: [ours.file] } } })
    await certifying.add('juliet')
  })
  afterAll(async () => {
    await certifying?.stop()
    ours?.remove()
    theirs?.remove()
  })

  test('EXTERNAL: gets in without a password by a certificate of the operator’s authority, and by no other', async () => {
    const by = async (authority: ClientAuthority) =>
      loginBy(
        { library: 'slixmpp', mechanism: 'EXTERNAL', ...(await authority.issue([xmppAddr('juliet@xmpp.example')])).files },
        wrong('juliet', certifying),
      )
    expect(await by(ours)).toEqual({ jid: 'juliet@xmpp.example/balcony', mechanism: 'EXTERNAL' })
    expect(await by(theirs)).not.toHaveProperty('jid')
  })
})

describe.skipIf(lacks('aioxmpp'))('aioxmpp', () => {
  test('chooses a SCRAM by itself, and logs in with the right password alone', async () => {
    const { jid, mechanism } = await loginBy({ library: 'aioxmpp' }, at('friar'))
    expect(jid).toBe('friar@xmpp.example/balcony')
    expect(JSON.stringify(mechanism)).toContain('SCRAM-SHA-')
    expect(await loginBy({ library: 'aioxmpp' }, wrong('friar'))).not.toHaveProperty('jid')
    expect(await loginBy({ library: 'aioxmpp' }, nobody())).not.toHaveProperty('jid')
  })
})

describe.skipIf(lacks('net-xmpp'))('Net::XMPP, by jabber:iq:auth', () => {
  test('logs in with the digest, and not with that of a wrong password or of a name nobody has', async () => {
    expect(await netXmpp(at('juliet', old), old.domain)).toBe('ok')
    expect(await netXmpp(wrong('juliet', old), old.domain)).toBe('401')
    expect(await netXmpp(nobody(old), old.domain)).toBe('401')
  })
})
