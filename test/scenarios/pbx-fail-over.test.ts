/** A PBX of two nodes that know nothing of each other's registrations: what happens to its clients when one goes and comes again. */
import { afterEach, expect, test } from 'vitest'
import type { Dns } from '../../src/sip/locate/dns.ts'
import { Heard } from '../support/heard.ts'
import { PbxParty } from '../support/pbx.ts'
import { message } from '../support/stanzas.ts'
import { DOMAIN, PASSWORD, type Town, town } from '../support/town.ts'

const FIRST = '192.0.2.200'
const SECOND = '192.0.2.201'
const USERS = ['juliet', 'romeo', 'nurse']

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** SRV: the second node stands behind the first, or beside it. */
function names(secondPriority: number): Dns {
  const record = (name: string, priority: number) => ({ name, priority, weight: 0, port: 5_060 })
  const records = [record('first.example', 10), record('second.example', secondPriority)]
  return {
    naptr: async () => ({ records: [], ttl: 60 }),
    srv: async (name) => ({ records: name === '_sip._udp.pbx.example' ? records : [], ttl: 60 }),
    addresses: async (name) => ({ records: [name === 'first.example' ? FIRST : SECOND], ttl: 60 }),
  }
}

async function verona(heard: Heard, secondPriority = 20): Promise<Town> {
  const limits = { probeMs: 20, probeAwayMs: 10, steadyAnswers: 2, returnsPerSecond: 1_000, leaveGraceMs: 5 }
  const dns = names(secondPriority)
  const at = await town({ accounts: [], log: heard.log, t1Ms: 10, dns, pbx: { uri: 'sip:pbx.example', limits } })
  closing.push(() => at.stop())
  return at
}

async function node(at: Town, host: string): Promise<PbxParty> {
  const passwords = Object.fromEntries(USERS.map((user) => [user, PASSWORD]))
  const made = await PbxParty.on(at.network.join({ host, timers: { t1Ms: 10 } }), { domain: DOMAIN, passwords })
  closing.push(() => made.stop())
  return made
}

const has =
  (pbx: PbxParty, ...users: readonly string[]) =>
  (): boolean =>
    users.every((user) => pbx.contactsOf(user).length === 1)

test('everybody is registered at the node that is to be preferred, and what they say goes there', async () => {
  const at = await verona(new Heard())
  const [first, second] = [await node(at, FIRST), await node(at, SECOND)]
  const [juliet, romeo] = [await at.client('juliet'), await at.client('romeo')]
  juliet.send(message(`romeo@${DOMAIN}`, 'Romeo!'))
  expect((await romeo.receive()).child('body')?.text()).toBe('Romeo!')
  expect(has(first, 'juliet', 'romeo')()).toBe(true)
  expect(second.requests).toEqual([])
})

test('when it goes away, everybody is registered at the next node without anybody doing anything, and goes back when it has come again', async () => {
  const heard = new Heard()
  const at = await verona(heard)
  const first = await node(at, FIRST)
  const second = await node(at, SECOND)
  const [juliet, romeo] = [await at.client('juliet'), await at.client('romeo')]
  await first.stop()
  await second.until(has(second, 'juliet', 'romeo'))
  await heard.fact({ what: 'pbx_moved', to: `udp ${SECOND} 5060` })
  juliet.send(message(`romeo@${DOMAIN}`, 'At the other node'))
  expect((await romeo.receive()).child('body')?.text()).toBe('At the other node')
  expect(at.house.pbxStatus()).toEqual([[`pbx ${DOMAIN}`, 'there, 2 registered']])

  const again = await node(at, FIRST)
  await again.until(has(again, 'juliet', 'romeo'))
  const before = second.requests.length
  juliet.send(message(`romeo@${DOMAIN}`, 'And back'))
  expect((await romeo.receive()).child('body')?.text()).toBe('And back')
  expect(second.requests.slice(before).some(({ method }) => method === 'MESSAGE')).toBe(false)
})

test('a node of the same rank is left only when it goes away itself', async () => {
  const heard = new Heard()
  const at = await verona(heard, 10)
  const nodes = [await node(at, FIRST), await node(at, SECOND)]
  await at.client('juliet')
  const home = nodes.find((one) => has(one, 'juliet')())
  const other = nodes.find((one) => one !== home)
  if (!home || !other) throw new Error('juliet is registered nowhere')
  await at.client('romeo')
  await at.client('nurse')
  expect(has(home, ...USERS)()).toBe(true)
  expect(other.requests).toEqual([])
  await home.stop()
  await other.until(has(other, ...USERS))
  const back = await node(at, home === nodes[0] ? FIRST : SECOND)
  const probed = other.requests.length
  await other.until(() => other.requests.length >= probed + 5)
  expect(back.requests).toEqual([])
})

test('the message that finds the node away goes to the next one, signed as soon as its sender is registered there', async () => {
  const at = await verona(new Heard())
  const first = await node(at, FIRST)
  const second = await node(at, SECOND)
  const nurse = await at.client('nurse')
  await first.stop()
  nurse.send(message(`nurse@${DOMAIN}`, 'Anon!'))
  expect((await nurse.receive()).child('body')?.text()).toBe('Anon!')
  expect(has(second, 'nurse')()).toBe(true)
})

test('who logs in while the first node is away is let in by the second', async () => {
  const at = await verona(new Heard())
  const second = await node(at, SECOND)
  await at.client('juliet')
  await second.until(has(second, 'juliet'))
  const first = await node(at, FIRST)
  await first.until(has(first, 'juliet'))
})

test('nothing is left at either node when all have gone', async () => {
  const at = await verona(new Heard())
  const second = await node(at, SECOND)
  const juliet = await at.client('juliet')
  await juliet.close()
  await second.until(() => second.contactsOf('juliet').length === 0)
  await expect.poll(() => at.house.pbxStatus()).toEqual([[`pbx ${DOMAIN}`, 'there, 0 registered']])
})
