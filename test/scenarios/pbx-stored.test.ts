/** A domain on a PBX whose passwords towards it are stored: clients log in with the accounts' own, which SCRAM may prove. */
import { afterEach, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import type { PbxLimits } from '../../src/core/pbx/limits.ts'
import { Heard } from '../support/heard.ts'
import { PbxParty } from '../support/pbx.ts'
import { condition, message } from '../support/stanzas.ts'
import { DOMAIN, type Town, type TownOptions, town } from '../support/town.ts'

const PBX = '192.0.2.200'
const EXTENSION = 'of the extension'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const stored = (): Record<string, string> => ({ juliet: EXTENSION, romeo: EXTENSION })

async function verona(options: TownOptions & { pbxLimits?: Partial<PbxLimits> } = {}, passwords = stored()): Promise<Town> {
  const { pbxLimits = {}, ...more } = options
  const at = await town({ ...more, pbx: { uri: `sip:${PBX}`, passwords, limits: pbxLimits } })
  closing.push(() => at.stop())
  return at
}

async function begin(at: Town, asksNobody = false): Promise<PbxParty> {
  const passwords = { juliet: EXTENSION, romeo: EXTENSION, nurse: EXTENSION }
  const pbx = await PbxParty.on(at.network.join({ host: PBX, timers: { t1Ms: 10 } }), { domain: DOMAIN, passwords, asksNobody })
  closing.push(() => pbx.stop())
  return pbx
}

const registers = (pbx: PbxParty): number => pbx.requests.filter(({ method }) => method === 'REGISTER').length

test('a client logs in with its own password, and its account is registered with the one that is stored', async () => {
  const at = await verona()
  const pbx = await begin(at)
  const juliet = await at.client('juliet')
  const romeo = await at.client('romeo')
  await pbx.until(() => pbx.contactsOf('juliet').length === 1 && pbx.contactsOf('romeo').length === 1)
  juliet.send(message(`romeo@${DOMAIN}`, 'Wherefore art thou?'))
  expect((await romeo.receive()).child('body')?.text()).toBe('Wherefore art thou?')
  expect(pbx.requests.some(({ method, headers }) => method === 'MESSAGE' && headers.has('Proxy-Authorization'))).toBe(true)
})

test('the password of the extension lets nobody in', async () => {
  const at = await verona()
  const pbx = await begin(at)
  const client = await at.stream()
  await expect(client.plain('juliet', EXTENSION)).rejects.toMatchObject({ condition: 'not-authorized' })
  expect(pbx.requests).toEqual([])
})

test('a message that is quicker than the registration is signed as soon as that has been made', async () => {
  const at = await verona()
  const pbx = await begin(at)
  const juliet = await at.silentClient('juliet')
  juliet.send(message(`nurse@${DOMAIN}`, 'At once'))
  // Nobody is there: what counts is that the PBX asked, and was answered.
  expect(condition(await juliet.receive())).toBe('item-not-found')
  expect(pbx.requests.some(({ method, headers }) => method === 'MESSAGE' && headers.has('Proxy-Authorization'))).toBe(true)
})

test('a second session registers nothing anew, and after the last one nothing is left', async () => {
  const at = await verona({ pbxLimits: { leaveGraceMs: 5 } })
  const pbx = await begin(at)
  const balcony = await at.client('juliet', 'balcony')
  await pbx.until(() => pbx.contactsOf('juliet').length === 1)
  const before = registers(pbx)
  const orchard = await at.client('juliet', 'orchard')
  expect(registers(pbx)).toBe(before)
  await balcony.close()
  await orchard.close()
  await pbx.until(() => pbx.contactsOf('juliet').length === 0)
  await expect.poll(() => at.house.pbxStatus()).toEqual([[`pbx ${DOMAIN}`, 'there, 0 registered']])
})

test('clients are let in while the PBX is away, and registered when it comes', async () => {
  const heard = new Heard()
  const at = await verona({ t1Ms: 2, log: heard.log, pbxLimits: { probeAwayMs: 5, retryFirstMs: 5, retryMaxMs: 20 } })
  await at.client('juliet')
  await heard.fact({ what: 'pbx_away' })
  const pbx = await begin(at)
  await pbx.until(() => pbx.contactsOf('juliet').length === 1)
})

test('a PBX that asks nobody is no obstacle: it was not to judge', async () => {
  const at = await verona()
  const pbx = await begin(at, true)
  await at.client('juliet')
  await pbx.until(() => pbx.contactsOf('juliet').length === 1)
})

test('a password that the PBX refuses leaves the session, is not shown for each session anew, and is tried again later', async () => {
  const heard = new Heard()
  const passwords = { ...stored(), juliet: 'an old one' }
  const at = await verona({ log: heard.log, pbxLimits: { refusedRetryMs: 300 } }, passwords)
  const pbx = await begin(at)
  const juliet = await at.client('juliet')
  await heard.fact({ what: 'pbx_refuses_account' })
  const before = registers(pbx)
  await juliet.close()
  const again = await at.client('juliet')
  expect(registers(pbx)).toBe(before)
  again.send(message(`romeo@${DOMAIN}`, 'There?'))
  expect((await again.receive()).attr('type')).toBe('error')
  passwords.juliet = EXTENSION
  await pbx.until(() => pbx.contactsOf('juliet').length === 1)
})

test('another password for the PBX counts at once', async () => {
  const heard = new Heard()
  const passwords = { ...stored(), juliet: 'an old one' }
  const at = await verona({ log: heard.log }, passwords)
  const pbx = await begin(at)
  const juliet = await at.client('juliet')
  await heard.fact({ what: 'pbx_refuses_account' })
  passwords.juliet = EXTENSION
  await at.house.endAccount(Jid.parse(`juliet@${DOMAIN}`))
  expect((await juliet.receive()).elements()[0]?.name).toBe('not-authorized')
  await at.client('juliet')
  await pbx.until(() => pbx.contactsOf('juliet').length === 1)
})

test('an account without a password for the PBX is let in and told of in the log', async () => {
  const heard = new Heard()
  const at = await verona({ log: heard.log })
  const pbx = await begin(at)
  await at.client('nurse')
  expect(await heard.fact({ what: 'pbx_password_missing' })).toMatchObject({ account: `sip:nurse@${DOMAIN}` })
  expect(registers(pbx)).toBe(0)
})
