import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { loadIdentity, selfSigned } from '../../src/stream/certificate.ts'
import { LogBook } from '../support/stream-house.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stoxgate-'))
})
afterEach(() => rm(directory, { recursive: true }))

const DAY = 86_400_000
const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('a self-signed certificate', () => {
  test('is made once, with an EC key that nobody else may read', async () => {
    const log = new LogBook()
    const certs = join(directory, 'certs')
    const files = await selfSigned('xmpp.example', certs, log, ['conference.xmpp.example'])
    const certificate = new X509Certificate(await readFile(files.cert))
    expect(certificate.subjectAltName).toBe('DNS:xmpp.example, DNS:conference.xmpp.example')
    expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1')
    expect(certificate.checkHost('xmpp.example')).toBe('xmpp.example')
    expect(certificate.ca).toBe(false)
    expect([await mode(files.key), await mode(certs)]).toEqual(['600', '700'])
    expect(log.of('certificate_made')).toMatchObject([{ domain: 'xmpp.example', fingerprint: certificate.fingerprint256 }])
    const again = await selfSigned('xmpp.example', certs, log)
    expect(new X509Certificate(await readFile(again.cert)).fingerprint256).toBe(certificate.fingerprint256)
    expect(log.of('certificate_made')).toHaveLength(1)
  })

  test('of which one half is lost is made anew, and its key is not left open', async () => {
    const log = new LogBook()
    const files = await selfSigned('xmpp.example', directory, log)
    await chmod(files.key, 0o644)
    await rm(files.cert)
    await selfSigned('xmpp.example', directory, log)
    expect(await mode(files.key)).toBe('600')
    expect((await loadIdentity('xmpp.example', files, log)).domain).toBe('xmpp.example')
  })

  test('can be for an address, and for a name too long for a common name', async () => {
    const log = new LogBook()
    const address = await selfSigned('[2001:db8::1]', directory, log)
    expect(new X509Certificate(await readFile(address.cert)).checkIP('2001:db8::1')).toBeDefined()
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
    const files = await selfSigned(long, directory, log)
    await loadIdentity(long, files, log)
    expect(log.of('certificate_names_others')).toEqual([])
  })
})

describe('a certificate from files', () => {
  test('that has expired, expires soon or is not valid yet is used and reported', async () => {
    const files = await selfSigned('xmpp.example', directory, new LogBook())
    const told = async (now: number) => {
      const log = new LogBook()
      await loadIdentity('xmpp.example', files, log, now)
      return log.records.map(({ what, level }) => `${level} ${what}`)
    }
    const now = Date.now()
    expect(await told(now)).toEqual([])
    expect(await told(now + 3645 * DAY)).toEqual(['major certificate_expires_soon'])
    expect(await told(now + 3660 * DAY)).toEqual(['failures certificate_expired'])
    expect(await told(now - 10 * DAY)).toEqual(['failures certificate_not_yet_valid'])
  })

  test('that names another domain is reported', async () => {
    const log = new LogBook()
    await loadIdentity('other.example', await selfSigned('xmpp.example', directory, log), log)
    expect(log.of('certificate_names_others')).toMatchObject([{ domain: 'other.example', names: 'DNS:xmpp.example' }])
  })

  test('whose files are missing, nonsense or not a pair is refused with the name of the file', async () => {
    const log = new LogBook()
    const one = await selfSigned('one.example', directory, log)
    const two = await selfSigned('two.example', directory, log)
    const nonsense = join(directory, 'nonsense.pem')
    await writeFile(nonsense, 'nonsense')
    await expect(loadIdentity('one.example', { cert: one.cert, key: two.key }, log)).rejects.toThrow(
      `${two.key} is not the key of ${one.cert}`,
    )
    await expect(loadIdentity('one.example', { cert: join(directory, 'none'), key: one.key }, log)).rejects.toThrow('none cannot be read')
    await expect(loadIdentity('one.example', { cert: nonsense, key: one.key }, log)).rejects.toThrow(nonsense)
    await expect(loadIdentity('one.example', { cert: one.cert, key: nonsense }, log)).rejects.toThrow(nonsense)
  })
})
