/** Many extensions at once: what a PBX that goes and comes again costs, and what is left when everybody has gone. */
import { afterEach, expect, test } from 'vitest'
import type { Log } from '../../src/log/log.ts'
import type { Client } from '../support/client.ts'
import { Heard } from '../support/heard.ts'
import { PbxParty } from '../support/pbx.ts'
import { message } from '../support/stanzas.ts'
import { DOMAIN, PASSWORD, type Town, town } from '../support/town.ts'

const PBX = '192.0.2.200'
const EXTENSIONS = Array.from({ length: 100 }, (_, i) => String(100 + i))
const passwords = Object.fromEntries(EXTENSIONS.map((user) => [user, PASSWORD]))

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function office(log?: Log): Promise<Town> {
  const limits = { probeMs: 50, probeAwayMs: 5, leaveGraceMs: 5, returnsPerSecond: 1_000, retryFirstMs: 5, retryMaxMs: 20 }
  const at = await town({ accounts: [], ...(log && { log }), t1Ms: 6, pbx: { uri: `sip:${PBX}`, limits } })
  closing.push(() => at.stop())
  return at
}

async function begin(at: Town): Promise<PbxParty> {
  const pbx = await PbxParty.on(at.network.join({ host: PBX, timers: { t1Ms: 10 } }), { domain: DOMAIN, passwords })
  closing.push(() => pbx.stop())
  return pbx
}

const everybodyIsThere = (pbx: PbxParty) => (): boolean => EXTENSIONS.every((user) => pbx.contactsOf(user).length === 1)

test('a hundred extensions log in, outlive three restarts of their PBX, and leave nothing behind', async () => {
  const heard = new Heard()
  const at = await office(heard.log)
  let pbx = await begin(at)
  const clients: Client[] = []
  for (const user of EXTENSIONS) clients.push(await at.client(user))
  expect(everybodyIsThere(pbx)()).toBe(true)
  const [first, second] = clients
  if (!first || !second) throw new Error('nobody logged in')

  for (const round of ['1', '2', '3']) {
    heard.facts.length = 0
    await pbx.stop()
    first.send(message(`101@${DOMAIN}`, 'lost', { id: round }))
    expect((await first.receive()).attr('type')).toBe('error')
    // A restart that nobody noticed costs the registrations until the next refresh.
    await heard.fact({ what: 'pbx_away' })
    pbx = await begin(at)
    const again = pbx
    await again.until(everybodyIsThere(again))
    first.send(message(`101@${DOMAIN}`, `after ${round}`))
    expect((await second.receive()).child('body')?.text()).toBe(`after ${round}`)
  }

  await Promise.all(clients.map((client) => client.close()))
  await pbx.until(() => EXTENSIONS.every((user) => pbx.contactsOf(user).length === 0))
  await expect.poll(() => at.house.pbxStatus()).toEqual([[`pbx ${DOMAIN}`, 'there, 0 registered']])
}, 30_000)

test('who tries names and passwords leaves nothing behind', async () => {
  const at = await office()
  const pbx = await begin(at)
  for (let i = 0; i < 60; i++) {
    const client = await at.stream()
    await expect(client.plain(i % 2 === 0 ? `9${i}` : `1${i % 10}0`, 'a guess')).rejects.toThrow()
    await client.close()
  }
  expect(at.house.pbxStatus()).toEqual([[`pbx ${DOMAIN}`, 'there, 0 registered']])
  expect(EXTENSIONS.flatMap((user) => pbx.contactsOf(user))).toEqual([])
})
