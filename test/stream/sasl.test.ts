import { describe, expect, test } from 'vitest'
import type { SaslError } from '../../src/stream/sasl/error.ts'
import type { Mechanism, Turn } from '../../src/stream/sasl/mechanism.ts'
import { offered } from '../../src/stream/sasl/mechanisms.ts'
import { plain } from '../../src/stream/sasl/plain.ts'
import { scram } from '../../src/stream/sasl/scram.ts'
import { BINDING, credentialsOf, hears, refusal, said, visitor } from '../support/visitor.ts'

describe('SCRAM', () => {
  test('the example of RFC 5802 §5 goes through to the letter', async () => {
    const credentials = await credentialsOf('SHA-1', 'QSXCR+Q6sek8bf92')
    const exchange = scram('SHA-1', false, () => '3rfcNHYJY1ZVvWVs7j').begin(visitor(credentials))
    expect(said(await hears(exchange, 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL'))).toBe(
      'challenge: r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    )
    expect(said(await hears(exchange, 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts='))).toBe(
      'success: v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    )
  })

  test('the example of RFC 7677 §3 goes through to the letter', async () => {
    const credentials = await credentialsOf('SHA-256', 'W22ZaJ0SNY7soEsUEjb6gQ==')
    const exchange = scram('SHA-256', false, () => '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0').begin(visitor(credentials))
    expect(said(await hears(exchange, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO'))).toBe(
      'challenge: r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    )
    const final = 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
    expect(said(await hears(exchange, final))).toBe('success: v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=')
  })

  test('the same answer for a proof of another password, an unknown name and a message that was changed', async () => {
    const right = 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvY,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ='
    const credentials = await credentialsOf('SHA-256', 'W22ZaJ0SNY7soEsUEjb6gQ==')
    const begun = async (genuine: boolean) => {
      const exchange = scram('SHA-256', false, () => '%hvY').begin(visitor(credentials, { genuine }))
      await hears(exchange, 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
      return exchange
    }
    expect(await refusal(hears(await begun(true), right))).toBe('not-authorized')
    expect(await refusal(hears(await begun(false), right))).toBe('not-authorized')
    expect(await refusal(hears(await begun(true), right.replace(',p=dHz', ',p=eHz')))).toBe('not-authorized')
    expect(await refusal(hears(await begun(true), right.replace('p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'p=')))).toBe(
      'not-authorized',
    )
    expect(await refusal(hears(await begun(true), right.replace('biws', 'eSws')))).toBe('not-authorized')
  })

  for (const [what, message] of [
    ['no GS2 header', 'n=user,r=abc'],
    ['an unknown flag', 'x,,n=user,r=abc'],
    ['a mandatory extension', 'n,,m=x,n=user,r=abc'],
    ['no user name', 'n,,r=abc'],
    ['an empty user name', 'n,,n=,r=abc'],
    ['a badly escaped name', 'n,,n=us=er,r=abc'],
    ['a name with NUL', 'n,,n=us\0er,r=abc'],
    ['no nonce', 'n,,n=user'],
    ['an empty nonce', 'n,,n=user,r='],
    ['a nonce with a space', 'n,,n=user,r=a b'],
    ['an extension without a value', 'n,,n=user,r=abc,x'],
    ['a name that SASLprep forbids', 'n,,n=us\u0007er\u00e9,r=abc'],
  ] as const) {
    test(`a first message with ${what} is malformed`, async () => {
      const credentials = await credentialsOf('SHA-256', 'AAAA')
      expect(await refusal(hears(scram('SHA-256', false).begin(visitor(credentials)), message))).toBe('malformed-request')
    })
  }

  test('a first message that is not UTF-8 is malformed', async () => {
    const exchange = scram('SHA-256', false).begin(visitor(await credentialsOf('SHA-256', 'AAAA')))
    expect(await refusal(Promise.resolve().then(() => exchange.take(Buffer.from([0x6e, 0x2c, 0x2c, 0xff]))))).toBe('malformed-request')
  })

  for (const [what, message] of [
    ['no proof', 'c=biws,r=NONCE'],
    ['another nonce', 'c=biws,r=other,p=AAAA'],
    ['no channel binding', 'r=NONCE,p=AAAA'],
    ['a proof that is not base64', 'c=biws,r=NONCE,p=A'],
    ['an empty extension', 'c=biws,r=NONCE,,p=AAAA'],
  ] as const) {
    test(`a last message with ${what} is malformed`, async () => {
      const exchange = scram('SHA-256', false, () => 'def').begin(visitor(await credentialsOf('SHA-256', 'AAAA')))
      await hears(exchange, 'n,,n=user,r=abc')
      expect(await refusal(hears(exchange, message.replace('NONCE', 'abcdef')))).toBe('malformed-request')
    })
  }

  test('unknown extensions are ignored, and are part of what is signed', async () => {
    const login = visitor(await credentialsOf('SHA-256', 'AAAA'))
    const exchange = scram('SHA-256', false, () => 'def').begin(login)
    expect(said(await hears(exchange, 'n,,n=user,r=abc,x=y,z=1'))).toContain('challenge: r=abcdef,s=AAAA')
    expect(login.asked).toEqual(['user'])
  })

  test('a name is unescaped and prepared before it is looked up', async () => {
    const login = visitor(await credentialsOf('SHA-256', 'AAAA'))
    await hears(scram('SHA-256', false).begin(login), 'n,,n=a=2Cb=3D\u2168\u00ad,r=abc')
    expect(login.asked).toEqual(['a,b=IX'])
  })

  test('a client that saw no -PLUS on a stream that offers it is told that the list was cut', async () => {
    const credentials = await credentialsOf('SHA-256', 'AAAA')
    const message = 'y,,n=user,r=abc'
    expect(await refusal(hears(scram('SHA-256', false).begin(visitor(credentials, { plusOffered: true })), message))).toBe('not-authorized')
    expect(said(await hears(scram('SHA-256', false).begin(visitor(credentials)), message))).toContain('challenge')
  })

  for (const [what, mechanism, message, condition] of [
    ['-PLUS without a binding', scram('SHA-256', true), 'n,,n=user,r=abc', 'malformed-request'],
    ['-PLUS with the flag of a cut list', scram('SHA-256', true), 'y,,n=user,r=abc', 'malformed-request'],
    ['a binding without -PLUS', scram('SHA-256', false), 'p=tls-exporter,,n=user,r=abc', 'malformed-request'],
    ['a binding of a type we do not have', scram('SHA-256', true), 'p=tls-unique,,n=user,r=abc', 'not-authorized'],
  ] as const satisfies (readonly [string, Mechanism, string, string])[]) {
    test(`${what} is refused as ${condition}`, async () => {
      const credentials = await credentialsOf('SHA-256', 'AAAA')
      const login = visitor(credentials, { binding: BINDING })
      expect(await refusal(hears(mechanism.begin(login), message))).toBe(condition)
      expect(login.asked).toEqual([])
    })
  }
})

describe('PLAIN', () => {
  const at = async (genuine = true) => plain.begin(visitor(await credentialsOf('SHA-256', 'AAAA'), { genuine }))

  test('a right password is a success, with and without the name of the account as identity', async () => {
    for (const identity of ['', 'user@xmpp.example', 'USER@XMPP.example']) {
      const turn = await hears(await at(), `${identity}\0user\0pencil`)
      expect([turn.kind, turn.kind === 'success' && turn.jid.toString()]).toEqual(['success', 'user@xmpp.example'])
    }
  })

  test('a wrong password and an unknown name get the same answer', async () => {
    const told = async (turn: Promise<Turn>) => turn.then(said, (error: SaslError) => [error.condition, error.text])
    expect(await told(hears(await at(), '\0user\0pen'))).toEqual(await told(hears(await at(false), '\0nobody\0pencil')))
    expect(await refusal(hears(await at(), '\0user\0pen'))).toBe('not-authorized')
  })

  test('acting for somebody else is an invalid authorization identity, but only for those who know the password', async () => {
    for (const identity of ['romeo@xmpp.example', 'user@xmpp.example/balcony', 'user@other.example', 'user', '@@']) {
      expect(await refusal(hears(await at(), `${identity}\0user\0pencil`))).toBe('invalid-authzid')
      expect(await refusal(hears(await at(), `${identity}\0user\0wrong`))).toBe('not-authorized')
    }
  })

  for (const message of ['', 'user', '\0user', '\0\0pencil', '\0user\0', '\0user\0pencil\0more', '\0us\u0000er\0pencil']) {
    test(`${JSON.stringify(message)} is malformed`, async () => {
      expect(await refusal(hears(await at(), message))).toBe('malformed-request')
    })
  }

  test('a message that is not UTF-8 is malformed', async () => {
    const exchange = await at()
    expect(await refusal(Promise.resolve().then(() => exchange.take(Buffer.from([0, 0x75, 0, 0xc3]))))).toBe('malformed-request')
  })
})

describe('the list of mechanisms', () => {
  const all = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN']
  const names = (...args: Parameters<typeof offered>) => offered(...args).map(({ name }) => name)

  test('nothing is offered in the clear where TLS is required', () => {
    expect(names({ mechanisms: all, requireTls: true }, false, undefined)).toEqual([])
  })

  test('-PLUS is offered only where there is a channel to bind to', () => {
    expect(names({ mechanisms: all, requireTls: true }, true, BINDING)).toEqual(all)
    expect(names({ mechanisms: all, requireTls: true }, true, { types: [], data: () => undefined })).toEqual([
      'SCRAM-SHA-256',
      'SCRAM-SHA-1',
      'PLAIN',
    ])
    expect(names({ mechanisms: all, requireTls: false }, false, undefined)).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
  })

  test('the order is that of the domain, and what nobody speaks here is left out', () => {
    expect(names({ mechanisms: ['PLAIN', 'NTLM', 'SCRAM-SHA-1'], requireTls: true }, true, BINDING)).toEqual(['PLAIN', 'SCRAM-SHA-1'])
  })
})
