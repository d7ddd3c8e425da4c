import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadSettings } from '../../src/config/load.ts'
import { ClientAuthority, email } from '../support/client-certificates.ts'

const authority = await ClientAuthority.make()
const directory = mkdtempSync(join(tmpdir(), 'stoxgate-config-'))
afterAll(() => {
  authority.remove()
  rmSync(directory, { recursive: true })
})

async function mistakes(domain: string): Promise<string[]> {
  const file = join(directory, 'x.yaml')
  writeFileSync(file, `domains: [ { name: a.example, ${domain} } ]\n`)
  const { mistakes } = await loadSettings(file)
  return (mistakes ?? []).map(({ key, sentence }) => `${key}: ${sentence}`)
}

test('EXTERNAL with an authority is no mistake', async () => {
  expect(await mistakes(`mechanisms: [EXTERNAL], clientCertificates: { authorities: [ "${authority.file}" ] }`)).toEqual([])
})

test('EXTERNAL without anybody to stand behind certificates is one', async () => {
  expect((await mistakes('mechanisms: [EXTERNAL]'))[0]).toMatch(
    /^domains\[0\]\.mechanisms: has EXTERNAL, but there is no clientCertificates/,
  )
})

test('so is a file that is not there, one that is no authority, and a fingerprint that is none', async () => {
  const of = (rest: string) => mistakes(`mechanisms: [EXTERNAL], clientCertificates: { ${rest} }`)
  expect((await of('authorities: [ /nowhere.crt ]'))[0]).toMatch(/authorities: \/nowhere\.crt cannot be read/)
  const leaf = join(directory, 'leaf.crt')
  writeFileSync(leaf, (await authority.issue([email('juliet@a.example')])).cert)
  expect((await of(`authorities: [ "${leaf}" ]`))[0]).toMatch(/must hold certificates of authorities/)
  expect((await of(`authorities: [ "${authority.file}" ], accounts: [ { fingerprint: AB, account: x } ]`))[0]).toMatch(
    /SHA-256 fingerprint/,
  )
})
