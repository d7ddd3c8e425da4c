import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { digestMd5 as hashOf } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import { cramMd5 } from '../../src/stream/sasl/cram-md5.ts'
import { digestMd5 } from '../../src/stream/sasl/digest-md5.ts'
import { login } from '../../src/stream/sasl/login.ts'
import { scram } from '../../src/stream/sasl/scram.ts'
import { credentialsOf, hears, refusal, said, visitor } from '../support/visitor.ts'

const md5 = (text: string, encoding: 'latin1' | 'utf8') => createHash('md5').update(Buffer.from(text, encoding)).digest('hex')

describe('SCRAM-SHA-512', () => {
  test('who has no keys for it is challenged like anybody else, and no password fits', async () => {
    const credentials = await credentialsOf('SHA-256', 'W22ZaJ0SNY7soEsUEjb6gQ==')
    const exchange = scram('SHA-512', false, () => 'def').begin(visitor(credentials))
    expect(said(await hears(exchange, 'n,,n=user,r=abc'))).toContain('challenge: r=abcdef,s=')
    expect(await refusal(hears(exchange, 'c=biws,r=abcdef,p=AAAA'))).toBe('not-authorized')
  })
})

describe('CRAM-MD5', () => {
  const CHALLENGE = '<1896.697170952@postoffice.reston.mci.net>'
  const begun = async (options: { genuine?: boolean } = {}) => {
    const credentials = await credentialsOf('SHA-256', 'AAAA')
    const exchange = cramMd5(() => CHALLENGE).begin(visitor(credentials, { password: 'tanstaaftanstaaf', ...options }))
    expect(said(await hears(exchange, ''))).toBe(`challenge: ${CHALLENGE}`)
    return exchange
  }

  test('the example of RFC 2195 goes through to the letter', async () => {
    expect((await hears(await begun(), 'tim b913a602c7eda7a495b4e6e7334d3890')).kind).toBe('success')
  })

  test('another digest and a name nobody has get the same answer', async () => {
    expect(await refusal(hears(await begun(), `tim ${'0'.repeat(32)}`))).toBe('not-authorized')
    expect(await refusal(hears(await begun({ genuine: false }), 'tim b913a602c7eda7a495b4e6e7334d3890'))).toBe('not-authorized')
  })

  for (const message of ['', 'tim', 'tim b913', ` ${'0'.repeat(32)}`, `tim ${'G'.repeat(32)}`, `ti\0m ${'0'.repeat(32)}`])
    test(`${JSON.stringify(message)} is malformed`, async () => {
      expect(await refusal(hears(await begun(), message))).toBe('malformed-request')
    })

  test('the server speaks first', async () => {
    const exchange = cramMd5().begin(visitor(await credentialsOf('SHA-256', 'AAAA')))
    expect(await refusal(hears(exchange, 'tim b913a602c7eda7a495b4e6e7334d3890'))).toBe('malformed-request')
  })

  test('each challenge is another one', async () => {
    const ask = async () => said(await hears(cramMd5().begin(visitor(await credentialsOf('SHA-256', 'AAAA'))), ''))
    expect(await ask()).not.toBe(await ask())
  })

  test('a password of more letters than a block is hashed as HMAC says', async () => {
    const long = 'p'.repeat(200)
    const exchange = cramMd5(() => CHALLENGE).begin(visitor(await credentialsOf('SHA-256', 'AAAA'), { password: long }))
    await hears(exchange, '')
    expect((await hears(exchange, `tim ${createHmac('md5', long).update(CHALLENGE).digest('hex')}`)).kind).toBe('success')
  })
})

describe('DIGEST-MD5', () => {
  const CHRIS = Jid.parse('chris@elwood.innosoft.com')
  const begun = async (options: { genuine?: boolean } = {}) => {
    const credentials = { ...(await credentialsOf('SHA-256', 'AAAA')), digestMd5: hashOf(CHRIS, 'secret') }
    const exchange = digestMd5(() => 'OA6MG9tEQGm2hh', 'imap').begin(visitor(credentials, { domain: 'elwood.innosoft.com', ...options }))
    expect(said(await hears(exchange, ''))).toBe(
      'challenge: realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",charset=utf-8,algorithm=md5-sess',
    )
    return exchange
  }
  const RESPONSE =
    'charset=utf-8,username="chris",realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",nc=00000001,cnonce="OA6MHXh6VqTrRk",' +
    'digest-uri="imap/elwood.innosoft.com",response=d388dad90d4bbd760a152321f2143af7,qop=auth'

  test('the example of RFC 2831 §4 goes through to the letter', async () => {
    const exchange = await begun()
    expect(said(await hears(exchange, RESPONSE))).toBe('challenge: rspauth=ea40f60335c427b5527b84dbabcdfffd')
    expect((await hears(exchange, '')).kind).toBe('success')
  })

  test('another digest and a name nobody has get the same answer', async () => {
    expect(await refusal(hears(await begun(), RESPONSE.replace('d388', 'd389')))).toBe('not-authorized')
    expect(await refusal(hears(await begun({ genuine: false }), RESPONSE))).toBe('not-authorized')
  })

  test('a digest that was made for another service or another realm does not pass', async () => {
    expect(await refusal(hears(await begun(), RESPONSE.replace('imap/', 'smtp/')))).toBe('not-authorized')
    expect(await refusal(hears(await begun(), RESPONSE.replace('realm="elwood', 'realm="other')))).toBe('not-authorized')
  })

  for (const [what, from, to] of [
    ['another nonce', 'nonce="OA6MG9tEQGm2hh"', 'nonce="OA6MG9tEQGm2hi"'],
    ['a nonce that was used', 'nc=00000001', 'nc=00000002'],
    ['a security layer', 'qop=auth', 'qop=auth-conf'],
    ['no user name', 'username="chris",', ''],
    ['no cnonce', 'cnonce="OA6MHXh6VqTrRk",', ''],
    ['a directive twice', 'nc=00000001', 'nc=00000001,nc=00000001'],
    ['a quote that does not end', 'qop=auth', 'qop="auth'],
    ['no digest', 'd388dad90d4bbd760a152321f2143af7', 'd388'],
  ] as const)
    test(`a response with ${what} is malformed`, async () => {
      expect(await refusal(hears(await begun(), RESPONSE.replace(from, to)))).toBe('malformed-request')
    })

  test('a list of a thousand quotes takes no time', async () => {
    const started = performance.now()
    expect(await refusal(hears(await begun(), `a="${'\\"'.repeat(3_000)}`))).toBe('malformed-request')
    expect(performance.now() - started).toBeLessThan(500)
  })

  test('names of ISO 8859-1 are hashed as that, others as UTF-8', () => {
    expect(hashOf(Jid.parse('tschüss@xmpp.example'), 'pwd').toString('hex')).toBe(md5('tschüss:xmpp.example:pwd', 'latin1'))
    expect(hashOf(Jid.parse('ρωμαίος@xmpp.example'), 'pwd').toString('hex')).toBe(md5('ρωμαίος:xmpp.example:pwd', 'utf8'))
  })
})

describe('LOGIN', () => {
  const begun = async (options: { genuine?: boolean } = {}) => {
    const exchange = login.begin(visitor(await credentialsOf('SHA-256', 'AAAA'), options))
    expect(said(await hears(exchange, ''))).toContain('User Name')
    return exchange
  }

  test('a right password is a success; a client may say its name at once', async () => {
    const exchange = await begun()
    expect(said(await hears(exchange, 'user'))).toContain('Password')
    expect((await hears(exchange, 'pencil')).kind).toBe('success')
    const eager = login.begin(visitor(await credentialsOf('SHA-256', 'AAAA')))
    expect(said(await hears(eager, 'user'))).toContain('Password')
    expect((await hears(eager, 'pencil')).kind).toBe('success')
  })

  test('a wrong password and a name nobody has get the same answer', async () => {
    for (const [options, password] of [
      [{}, 'pen'],
      [{ genuine: false }, 'pencil'],
    ] as const) {
      const exchange = await begun(options)
      await hears(exchange, 'user')
      expect(await refusal(hears(exchange, password))).toBe('not-authorized')
    }
  })

  test('nothing, and NUL, are malformed', async () => {
    expect(await refusal(hears(await begun(), ''))).toBe('malformed-request')
    expect(await refusal(hears(await begun(), 'us\0er'))).toBe('malformed-request')
  })
})
