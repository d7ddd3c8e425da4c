/** Keys without a memory (XEP-0185), and certificates' names (RFC 6125). */
import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { isFor } from '../../../src/stream/s2s/certificate-names.ts'
import { DialbackKeys } from '../../../src/stream/s2s/dialback.ts'
import { NoServer, placesFor } from '../../../src/stream/s2s/places.ts'
import { certificateFor } from '../../support/certificates.ts'

const DAY = 86_400_000

/** SRVName _xmpp-server.srv.example and _xmpp-client.client.example, XmppAddr addr.example, CN cn.example: no library here writes otherName. */
const OTHER_NAMES = `-----BEGIN CERTIFICATE-----
MIIByzCCAXGgAwIBAgIUWSj3ujqKMrtTMGWhKpOKUo42zZMwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKY24uZXhhbXBsZTAgFw0yNjExMjIxNzQ1MzdaGA8yMTI2MTAy
OTE3NDUzN1owFTETMBEGA1UEAwwKY24uZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABFLXhqFG4xOtPTmY/RlW7g4LOxblAic+fZas/ycYhW6lOXh4Wj7O
AAX6L7gT19j061XON8xy37G63lhdhPh1NfSjgZwwgZkweAYDVR0RBHEwb6AmBggr
BgEFBQcIB6AaFhhfeG1wcC1zZXJ2ZXIuc3J2LmV4YW1wbGWgGgYIKwYBBQUHCAWg
DgwMYWRkci5leGFtcGxloCkGCCsGAQUFBwgHoB0WG194bXBwLWNsaWVudC5jbGll
bnQuZXhhbXBsZTAdBgNVHQ4EFgQUdnDkO+vJrq6nNYDs64Of0i+bWmwwCgYIKoZI
zj0EAwIDSAAwRQIhANKyLu0hZa+iKrv1Fk3ityX8/u2hX707jecYe2OwA187AiAB
TVtqQ3Gtsk7Zq+i6xSRnmMzVGZs5dTF8T1SLPFddzg==
-----END CERTIFICATE-----`
/** CN cn.example and nothing else. */
const COMMON_NAME = `-----BEGIN CERTIFICATE-----
MIIBWTCCAQCgAwIBAgIUUY6fGEU6eVirl7GzGV24g17jdlcwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKY24uZXhhbXBsZTAgFw0yNjExMjIxNzQ1MzdaGA8yMTI2MTAy
OTE3NDUzN1owFTETMBEGA1UEAwwKY24uZXhhbXBsZTBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABFLXhqFG4xOtPTmY/RlW7g4LOxblAic+fZas/ycYhW6lOXh4Wj7O
AAX6L7gT19j061XON8xy37G63lhdhPh1NfSjLDAqMAkGA1UdEwQCMAAwHQYDVR0O
BBYEFHZw5Dvrya6upzWA7OuDn9Ivm1psMAoGCCqGSM49BAMCA0cAMEQCIFddddUR
Z519fQ3unoZEaj3vdRvG+3uccu76R5BrxIapAiBuvCFYlz89iWyauXi3nqqxEuz+
oMb8dtElEWPCY+xYZQ==
-----END CERTIFICATE-----`

describe('a dialback key', () => {
  const secret = Buffer.alloc(32, 1)
  const at = (now: number, of = secret) => new DialbackKeys(of, () => now)
  const key = at(10 * DAY).key('mantua.example', 'verona.example', 'D60000229F')

  test('is known again today and tomorrow, on every node with the same secret', () => {
    for (const now of [10 * DAY, 11 * DAY - 1, 11 * DAY, 12 * DAY - 1])
      expect(at(now).isOurs(key, 'mantua.example', 'verona.example', 'D60000229F')).toBe(true)
  })

  test('is worth nothing the day after', () => {
    expect(at(12 * DAY).isOurs(key, 'mantua.example', 'verona.example', 'D60000229F')).toBe(false)
  })

  test.each([
    ['another stream', 'mantua.example', 'verona.example', 'D60000229E'],
    ['another receiver', 'padua.example', 'verona.example', 'D60000229F'],
    ['another sender', 'mantua.example', 'padua.example', 'D60000229F'],
  ])('is worth nothing for %s', (_, receiving, originating, id) => {
    expect(at(10 * DAY).isOurs(key, receiving, originating, id)).toBe(false)
  })

  test('is worth nothing with another secret, or cut short', () => {
    expect(at(10 * DAY, Buffer.alloc(32, 2)).isOurs(key, 'mantua.example', 'verona.example', 'D60000229F')).toBe(false)
    expect(at(10 * DAY).isOurs(key.slice(1), 'mantua.example', 'verona.example', 'D60000229F')).toBe(false)
  })
})

describe('a certificate', () => {
  test.each([
    ['mantua.example', 'mantua.example', true],
    ['MANTUA.example', 'mantua.example', true],
    ['mantua.example', 'xmpp.mantua.example', false],
    ['*.mantua.example', 'xmpp.mantua.example', true],
    ['*.mantua.example', 'a.xmpp.mantua.example', false],
    ['*.mantua.example', 'mantua.example', false],
    ['*.example', 'mantua.example', false],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example', true],
  ])('for %s asked for %s: %s', async (name, domain, expected) => {
    const { cert } = await certificateFor(name)
    expect(isFor(new X509Certificate(cert), domain, false)).toBe(expected)
  })

  test('with SRVName and XmppAddr is for those names, and its CN counts no more', () => {
    const certificate = new X509Certificate(OTHER_NAMES)
    expect(isFor(certificate, 'srv.example', true)).toBe(true)
    expect(isFor(certificate, 'addr.example', true)).toBe(true)
    expect(isFor(certificate, 'client.example', true)).toBe(false)
    expect(isFor(certificate, 'cn.example', true)).toBe(false)
  })

  test('without other names is for its CN, where the operator lets that count', () => {
    const certificate = new X509Certificate(COMMON_NAME)
    expect(isFor(certificate, 'cn.example', true)).toBe(true)
    expect(isFor(certificate, 'cn.example', false)).toBe(false)
  })
})

describe('where a server is', () => {
  const record = (priority: number, port: number, name: string) => ({ priority, weight: 0, port, name })
  const names = (srv: Readonly<Record<string, readonly ReturnType<typeof record>[]>>, addresses: readonly string[] = []) => ({
    srv: async (name: string) => srv[name] ?? [],
    addresses: async () => addresses,
    ordered: <R extends { priority: number }>(records: readonly R[]) => [...records].sort((one, other) => one.priority - other.priority),
  })
  const limits = { placesMax: 8 }

  test('both kinds of SRV records count together, by priority', async () => {
    const places = await placesFor(
      'm.example',
      names({
        '_xmpp-server._tcp.m.example': [record(5, 5_269, 'a.m.example'), record(20, 5_269, 'c.m.example')],
        '_xmpps-server._tcp.m.example': [record(10, 443, 'b.m.example')],
      }),
      limits,
    )
    expect(places.map(({ host, port, isDirectTls }) => [host, port, isDirectTls])).toEqual([
      ['a.m.example', 5_269, false],
      ['b.m.example', 443, true],
      ['c.m.example', 5_269, false],
    ])
  })

  test('without SRV records it is the domain itself, port 5269', async () => {
    expect(await placesFor('m.example', names({}, ['192.0.2.1']), limits)).toEqual([
      { host: 'm.example', port: 5_269, isDirectTls: false, isRelay: false },
    ])
  })

  test('the root says that there is none, whatever address the domain has', async () => {
    const root = names({ '_xmpp-server._tcp.m.example': [record(0, 0, '.')] }, ['192.0.2.1'])
    await expect(placesFor('m.example', root, limits)).rejects.toThrow(NoServer)
  })

  test('a domain without an address has none', async () => {
    await expect(placesFor('m.example', names({}), limits)).rejects.toThrow(NoServer)
  })
})
