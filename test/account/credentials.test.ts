import { createHash, createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { deriveCredentials, fakeKeys, PasswordError, scramKeys, verifyPassword } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'

const juliet = Jid.parse('juliet@capulet.example')
const quick = { rounds: 4_096, telephones: true }

describe('the examples of the RFCs', () => {
  for (const { rfc, hash, salt, withoutProof, first, proof, verifier } of [
    {
      rfc: 'RFC 5802 §5',
      hash: 'SHA-1',
      salt: 'QSXCR+Q6sek8bf92',
      first: 'n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
      withoutProof: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j',
      proof: 'v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      verifier: 'rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    },
    {
      rfc: 'RFC 7677 §3',
      hash: 'SHA-256',
      salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
      first: 'n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      withoutProof: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
      proof: 'dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      verifier: '6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    },
  ] as const)
    test(`${rfc}: the keys of "pencil" accept the client's proof and make the server's signature`, async () => {
      const keys = await scramKeys(hash, 'pencil', Buffer.from(salt, 'base64'), 4_096)
      const digest = hash === 'SHA-1' ? 'sha1' : 'sha256'
      const message = `${first},${withoutProof}`
      const signature = createHmac(digest, keys.storedKey).update(message).digest()
      const clientKey = Buffer.from(proof, 'base64').map((byte, i) => byte ^ (signature[i] ?? 0))
      expect(createHash(digest).update(clientKey).digest('hex')).toBe(keys.storedKey.toString('hex'))
      expect(createHmac(digest, keys.serverKey).update(message).digest('base64')).toBe(verifier)
    })
})

describe('one password, two worlds', () => {
  test('what a client logs in with is what the telephone registers with', async () => {
    const { sip } = await deriveCredentials(juliet, 'R0m30', quick)
    const hash = (digest: string, text: string) => createHash(digest).update(text).digest('hex')
    expect(sip).toEqual({
      MD5: { local: hash('md5', 'juliet:capulet.example:R0m30'), full: hash('md5', 'juliet@capulet.example:capulet.example:R0m30') },
      'SHA-256': {
        local: hash('sha256', 'juliet:capulet.example:R0m30'),
        full: hash('sha256', 'juliet@capulet.example:capulet.example:R0m30'),
      },
    })
  })

  for (const [jid, user, realm] of [
    ['m\\26m@xmpp.example', 'm&m', 'xmpp.example'],
    ['your\\40jid.example@xmpp.example', 'your@jid.example', 'xmpp.example'],
    ['ρωμαίος@bücher.example', 'ρωμαίος', 'xn--bcher-kva.example'],
  ] as const)
    test(`the telephone of ${jid} types the name ${user} at ${realm}`, async () => {
      const { sip } = await deriveCredentials(Jid.parse(jid), 'pw', quick)
      expect(sip?.MD5.local).toBe(createHash('md5').update(`${user}:${realm}:pw`).digest('hex'))
      expect(sip?.MD5.full).toBe(createHash('md5').update(`${user}@${realm}:${realm}:pw`).digest('hex'))
    })

  test('a domain without telephones keeps no weaker hashes', async () => {
    expect(await deriveCredentials(juliet, 'R0m30', { ...quick, telephones: false })).not.toHaveProperty('sip')
  })

  test('the same password twice gives keys that have nothing in common', async () => {
    const [a, b] = await Promise.all([deriveCredentials(juliet, 'R0m30', quick), deriveCredentials(juliet, 'R0m30', quick)])
    expect(a.scram['SHA-1'].salt.equals(a.scram['SHA-256'].salt)).toBe(false)
    for (const hash of ['SHA-1', 'SHA-256'] as const) {
      expect(a.scram[hash].salt.equals(b.scram[hash].salt)).toBe(false)
      expect(a.scram[hash].storedKey.equals(b.scram[hash].storedKey)).toBe(false)
    }
  })

  test('ten thousand rounds unless the domain says otherwise', async () => {
    const { scram } = await deriveCredentials(juliet, 'x', { telephones: false })
    expect([scram['SHA-1'].iterations, scram['SHA-256'].iterations]).toEqual([10_000, 10_000])
  })
})

describe('a password that is shown', () => {
  for (const [set, typed, fits] of [
    ['R0m30', 'R0m30', true],
    ['R0m30', 'r0m30', false],
    ['R0m30', '', false],
    ['R0m30', 'R0m30\0', false],
    ['R0m30', 'R0m30'.padEnd(2_000), false],
    ['I\u00adX', 'IX', true], // RFC 4013 §3
    ['ª', 'a', true],
    ['cafe\u0301', 'café', true],
    ['a\u00a0b', 'a b', true],
    ['🔑 und 🚪', '🔑 und 🚪', true],
    ['κωδικός', 'κωδικός', true],
  ] as const)
    test(`${JSON.stringify(typed.slice(0, 20))} ${fits ? 'fits' : 'does not fit'} an account set to ${JSON.stringify(set)}`, async () => {
      expect(await verifyPassword(await deriveCredentials(juliet, set, quick), typed)).toBe(fits)
    })

  for (const [password, why] of [
    ['', /empty/],
    ['\u00ad', /password/],
    ['a\nb', /control/],
    ['\u0627\u0031', /directions/],
    ['x'.repeat(1_025), /longer than 1024 bytes/],
  ] as const)
    test(`${JSON.stringify(password.slice(0, 10))} cannot become a password, and who sets it is told why`, async () => {
      await expect(deriveCredentials(juliet, password, quick)).rejects.toThrow(PasswordError)
      await expect(deriveCredentials(juliet, password, quick)).rejects.toThrow(why)
    })
})

describe('a name nobody has', () => {
  const secret = Buffer.alloc(32, 7)
  const nobody = Jid.parse('nobody@capulet.example')

  test('shows the same salt at every attempt, another than other names, and the rounds of its domain', () => {
    const keys = fakeKeys(nobody, secret, 12_000)
    expect(fakeKeys(Jid.parse('nobody@capulet.example/x'), secret, 12_000)).toEqual(keys)
    expect(fakeKeys(juliet, secret, 12_000).scram['SHA-1'].salt).not.toEqual(keys.scram['SHA-1'].salt)
    expect(fakeKeys(nobody, Buffer.alloc(32, 8), 12_000).scram['SHA-1'].salt).not.toEqual(keys.scram['SHA-1'].salt)
    expect(keys.scram['SHA-1'].salt).not.toEqual(keys.scram['SHA-256'].salt)
    expect(keys.scram['SHA-256'].iterations).toBe(12_000)
  })

  test('has keys of the same sizes as a real account', async () => {
    const sizes = ({ scram }: Awaited<ReturnType<typeof deriveCredentials>>) =>
      (['SHA-1', 'SHA-256'] as const).map((hash) => [scram[hash].salt.length, scram[hash].storedKey.length, scram[hash].serverKey.length])
    expect(sizes(fakeKeys(nobody, secret))).toEqual(sizes(await deriveCredentials(juliet, 'x', quick)))
  })

  test('is let in by no password', async () => {
    expect(await verifyPassword(fakeKeys(nobody, secret, 4_096), 'R0m30')).toBe(false)
  })
})
