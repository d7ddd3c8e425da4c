/** Ten thousand questions that nobody answers: each ends in remote-server-timeout, once, and nobody else waits for them. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, expect, test, vi } from 'vitest'
import { detached } from '../../src/xml/detached.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from '../support/client.ts'
import { PBX, party, verona } from '../support/routed-town.ts'
import { condition, message } from '../support/stanzas.ts'

const ASKERS = 10
const EACH = 1_000
/** More than one answer takes on a busy machine, and much less than anything that waits. */
const SOON_MS = 1_000
/** For each question that waits: its two addresses, its id, and where it stands in three tables. */
const BYTES_EACH = 1_500
/** So that keeping what was asked would be seen: ten thousand of them are 20 MB. */
const PAYLOAD = 'x'.repeat(2_000)

afterEach(() => {
  vi.useRealTimers()
})

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')
async function heap(): Promise<number> {
  // What waits for a turn of the event loop is let go of first.
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve))
    collect()
  }
  return process.memoryUsage().heapUsed
}

const question = (id: string, to: string): Element =>
  el('iq', NS_CLIENT, { type: 'get', id, to }, el('query', 'urn:example:question', {}, PAYLOAD))
const answer = (asked: Element): Element =>
  el('iq', NS_CLIENT, { type: 'result', id: asked.attr('id'), to: asked.attr('from') }, el('query', 'urn:example:question', {}, 'At last'))

async function askAll(askers: readonly Client[], to: string): Promise<void> {
  for (let n = 0; n < EACH; n++) {
    for (const asker of askers) asker.send(question(`q${n}`, to))
    if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
}

/** How long a message between two others takes now, in milliseconds. */
async function crossing(from: Client, to: Client, address: string, text: string): Promise<number> {
  const begun = process.hrtime.bigint()
  from.send(message(address, text))
  while ((await to.receive()).child('body')?.text() !== text) {}
  return Number(process.hrtime.bigint() - begun) / 1e6
}

/** The next so many stanzas, by their id. */
async function heard(client: Client, many: number): Promise<ReadonlyMap<string, Element>> {
  const byId = new Map<string, Element>()
  for (let n = 0; n < many; n++) {
    const stanza = await client.receive()
    const id = stanza.attr('id') ?? ''
    expect(byId.has(id), `${id} is answered twice`).toBe(false)
    byId.set(id, stanza)
  }
  return byId
}

async function pings(client: Client): Promise<Element> {
  client.send(el('iq', NS_CLIENT, { type: 'get', id: 'ping' }, el('ping', 'urn:xmpp:ping')))
  return client.receive()
}

test('to a client that reads and never answers', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  const at = await verona({ stack: 'embedded' })
  const romeo = await at.client('romeo', 'silent')
  const nurse = await at.client('nurse', 'here')
  const other = await at.client('nurse', 'there')
  const askers: Client[] = []
  for (let n = 0; n < ASKERS; n++) askers.push(await at.client('juliet', `balcony-${n}`))
  const before = await heap()

  const sent = askAll(askers, 'romeo@xmpp.example/silent')
  const crossings: number[] = []
  const asked: Element[] = []
  const reading = (async () => {
    while (asked.length < ASKERS * EACH) {
      const iq = await romeo.receive()
      asked.push(detached(el('iq', NS_CLIENT, { from: iq.attr('from'), id: iq.attr('id') })))
    }
  })()
  let n = 0
  while (asked.length < ASKERS * EACH) crossings.push(await crossing(nurse, other, 'nurse@xmpp.example/there', `during ${n++}`))
  await Promise.all([sent, reading])
  expect(Math.max(...crossings)).toBeLessThan(SOON_MS)
  expect(new Set(asked.map((iq) => `${iq.attr('from')} ${iq.attr('id')}`)).size).toBe(ASKERS * EACH)
  // One more of one asker, or of an eleventh, is refused at once: nothing grows without bound.
  const [first] = askers
  if (!first) throw new Error('there is nobody')
  first.send(question('one more', 'romeo@xmpp.example/silent'))
  expect(condition(await first.receive())).toBe('resource-constraint')
  const eleventh = await at.client('juliet', 'balcony-11')
  eleventh.send(question('too many', 'romeo@xmpp.example/silent'))
  expect(condition(await eleventh.receive())).toBe('resource-constraint')

  const during = await heap()
  await vi.advanceTimersByTimeAsync(20_001)
  expect(await crossing(nurse, other, 'nurse@xmpp.example/there', 'after 20 s')).toBeLessThan(SOON_MS)
  // Those that are answered late are answered.
  const late = asked.filter((iq) => iq.attr('id') === 'q7')
  for (const iq of late) romeo.send(answer(iq))
  for (const asker of askers) expect((await asker.receive()).attr('type')).toBe('result')
  const after20 = await heap()
  expect((after20 - before) / (ASKERS * EACH)).toBeLessThan(BYTES_EACH)

  await vi.advanceTimersByTimeAsync(100_000)
  for (const asker of askers) {
    const ends = await heard(asker, EACH - 1)
    expect([...new Set([...ends.values()].map(condition))]).toEqual(['remote-server-timeout'])
    expect(ends.has('q7')).toBe(false)
  }
  // Too late, and twice: nobody hears of it.
  for (const iq of asked) romeo.send(answer(iq))
  await pings(romeo)
  for (const asker of askers) expect((await pings(asker)).attr('id')).toBe('ping')
  const ended = await heap()
  // What the test itself has kept is in it.
  expect(ended - before).toBeLessThan(during - before + 1e6)
})

test('to a node behind a route that takes them and says nothing', async () => {
  const at = await verona({ stack: 'embedded', t1Ms: 50, routes: [{ match: 'node.example', to: `sip:${PBX}`, trusted: true }] })
  const node = await party(at, PBX)
  node.answer = 'never'
  const nurse = await at.client('nurse', 'here')
  const other = await at.client('nurse', 'there')
  const askers: Client[] = []
  for (let n = 0; n < ASKERS; n++) askers.push(await at.client('juliet', `balcony-${n}`))
  await askAll(askers, 'mab@node.example/dream')
  expect(await crossing(nurse, other, 'nurse@xmpp.example/there', 'during')).toBeLessThan(SOON_MS)
  for (const asker of askers) {
    const ends = await heard(asker, EACH)
    expect([...new Set([...ends.values()].map(condition))]).toEqual(['remote-server-timeout'])
  }
  for (const asker of askers) expect((await pings(asker)).attr('id')).toBe('ping')
})
