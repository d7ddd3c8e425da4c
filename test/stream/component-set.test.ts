import { afterEach, describe, expect, test } from 'vitest'
import type { Client } from '../support/client.ts'
import { bodyOf, components, connected, greet, ICQ, saying, shake } from '../support/component.ts'
import { until } from '../support/drachtio-place.ts'
import { condition, message } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

let at: Town
afterEach(() => at.stop())

const JULIET = 'juliet@xmpp.example/balcony'
const waiting = (): string | undefined => at.house.components.domains.status[0]?.[1]

/** Who of these hears which body, until all of `count` are there. */
async function heard(count: number, ...all: readonly Client[]): Promise<readonly string[][]> {
  const bodies: string[][] = all.map(() => [])
  await new Promise<void>((resolve, reject) => {
    let left = count
    all.forEach(async (client, i) => {
      try {
        for (;;) {
          bodies[i]?.push(bodyOf(await client.receive()))
          if (--left === 0) resolve()
        }
      } catch (cause) {
        // The rest of the test is over, or what came was no stanza.
        if (left > 0) reject(cause)
      }
    })
  })
  return bodies
}

describe('several connections of one component', () => {
  test('share what comes, and each pair of addresses keeps its connection and its order', async () => {
    at = await town({ components: components() })
    const set = [await connected(at), await connected(at)]
    expect(waiting()).toBe('2 connected, 0 waiting')
    const juliet = await at.client('juliet')
    for (let i = 0; i < 50; i++) for (const user of ['a', 'b', 'c', 'd']) juliet.send(message(`${user}@${ICQ}`, `${user} ${i}`))
    const [one = [], two = []] = await heard(200, ...set)
    for (const user of ['a', 'b', 'c', 'd']) {
      const [mine, others] = [one, two]
        .map((bodies) => bodies.filter((body) => body.startsWith(user)))
        .toSorted((a, b) => b.length - a.length)
      expect(others).toEqual([])
      expect(mine).toEqual(Array.from({ length: 50 }, (_, i) => `${user} ${i}`))
    }
    expect([one.length, two.length]).toEqual([100, 100])
  })

  test('when one of them goes the others have its pairs', async () => {
    at = await town({ components: components() })
    const [one, two] = [await connected(at), await connected(at)]
    const juliet = await at.client('juliet')
    juliet.send(message(`a@${ICQ}`, 'to the first'))
    expect(bodyOf(await one.receive())).toBe('to the first')
    juliet.send(message(`b@${ICQ}`, 'to the second'))
    expect(bodyOf(await two.receive())).toBe('to the second')
    await one.close()
    juliet.send(message(`a@${ICQ}`, 'and this too'))
    expect(bodyOf(await two.receive())).toBe('and this too')
  })

  test('there are only so many', async () => {
    at = await town({ components: components({}, { connections: 2 }) })
    await connected(at)
    await connected(at)
    const { client, id } = await greet(at)
    shake(client, id)
    expect(await client.receiveStreamError()).toEqual({ condition: 'conflict', text: 'This component has 2 connections already' })
  })

  test('refuse: the second one is sent away', async () => {
    at = await town({ components: components({ conflict: 'refuse' }) })
    await connected(at)
    const { client, id } = await greet(at)
    shake(client, id)
    expect((await client.receiveStreamError()).condition).toBe('conflict')
  })

  test('replace: the second one takes the place of the first', async () => {
    at = await town({ components: components({ conflict: 'replace' }) })
    const one = await connected(at)
    const two = await connected(at)
    expect((await one.receiveStreamError()).condition).toBe('conflict')
    const juliet = await at.client('juliet')
    juliet.send(message(`a@${ICQ}`, 'hello'))
    expect(bodyOf(await two.receive())).toBe('hello')
  })

  test('an answer may come on another connection than the question', async () => {
    at = await town({ components: components() })
    const [one, two] = [await connected(at), await connected(at)]
    const juliet = await at.client('juliet')
    juliet.say(`<iq type='get' id='q1' to='a@${ICQ}'><query xmlns='urn:example:question'/></iq>`)
    const asked = await one.receive()
    two.say(`<iq type='result' id='q1' from='a@${ICQ}' to='${asked.attr('from')}'/>`)
    const answer = await juliet.receive()
    expect([answer.attr('type'), answer.attr('id')]).toEqual(['result', 'q1'])
  })
})

describe('a component that is away', () => {
  test('finds what was said meanwhile when it is back, in order', async () => {
    at = await town({ components: components() })
    const before = await connected(at)
    const juliet = await at.client('juliet')
    await before.close()
    for (let i = 0; i < 200; i++) juliet.send(message(`${i % 3}@${ICQ}`, String(i)))
    // What comes back for a ping has passed all of them on its way in.
    juliet.say("<iq type='get' id='p' to='xmpp.example'><ping xmlns='urn:xmpp:ping'/></iq>")
    await juliet.receive()
    expect(waiting()).toBe('awaited, 200 waiting')
    const after = await connected(at)
    const [bodies] = await heard(200, after)
    expect(bodies).toEqual(Array.from({ length: 200 }, (_, i) => String(i)))
    expect(waiting()).toBe('1 connected, 0 waiting')
  })

  test('and has not come yet since the start, is waited for as well', async () => {
    at = await town({ components: components() })
    const juliet = await at.client('juliet')
    juliet.send(message(`a@${ICQ}`, 'early'))
    expect(bodyOf(await (await connected(at)).receive())).toBe('early')
  })

  test('finds questions, too, and they are answered', async () => {
    at = await town({ components: components() })
    const juliet = await at.client('juliet')
    juliet.say(`<iq type='get' id='q1' to='a@${ICQ}'><query xmlns='urn:example:question'/></iq>`)
    const icq = await connected(at)
    const asked = await icq.receive()
    expect(asked.attr('id')).toBe('q1')
    icq.say(`<iq type='result' id='q1' from='a@${ICQ}' to='${JULIET}'><answer xmlns='urn:example:question'>yes</answer></iq>`)
    expect((await juliet.receive()).child('answer', 'urn:example:question')?.text()).toBe('yes')
  })

  test('and stays away: everything comes back with remote-server-timeout, and from then on at once', async () => {
    at = await town({ components: components({}, { awaySeconds: 0.1 }) })
    const before = await connected(at)
    const juliet = await at.client('juliet')
    await before.close()
    for (const id of ['a', 'b', 'c']) juliet.send(message(`x@${ICQ}`, id, { id }))
    for (const id of ['a', 'b', 'c']) {
      const error = await juliet.receive()
      expect([condition(error), error.attr('id'), error.attr('from')]).toEqual(['remote-server-timeout', id, `x@${ICQ}`])
    }
    expect(waiting()).toBe('away, 0 waiting')
    juliet.send(message(`x@${ICQ}`, 'd'))
    expect(condition(await juliet.receive())).toBe('service-unavailable')
    const after = await connected(at)
    juliet.send(message(`x@${ICQ}`, 'e'))
    expect(bodyOf(await after.receive())).toBe('e')
  })

  for (const [what, limits, text] of [
    ['stanzas', { queuedStanzas: 2 }, 'x'],
    ['characters', { queuedCharacters: 2_500 }, 'x'.repeat(1_000)],
  ] as const)
    test(`keeps so many ${what} at most; the next one is a resource-constraint, and what waits is not lost`, async () => {
      at = await town({ components: components({}, limits) })
      const juliet = await at.client('juliet')
      for (const id of ['a', 'b', 'c']) juliet.send(message(`x@${ICQ}`, text, { id }))
      const error = await juliet.receive()
      expect([condition(error), error.attr('id')]).toEqual(['resource-constraint', 'c'])
      const icq = await connected(at)
      expect([(await icq.receive()).attr('id'), (await icq.receive()).attr('id')]).toEqual(['a', 'b'])
    })

  test('keeps a telephone waiting for a moment only, and does not get the message after all', async () => {
    at = await town({ components: components({}, { telephoneSeconds: 0.05 }) })
    const phone = await at.phone('romeo')
    expect((await phone.message(`sip:x@${ICQ}`, 'hello')).status).toBe(504)
    const juliet = await at.client('juliet')
    juliet.send(message(`x@${ICQ}`, 'and this'))
    expect(bodyOf(await (await connected(at)).receive())).toBe('and this')
  })

  test('keeps one waiting no longer the second time it is away', async () => {
    at = await town({ components: components({}, { telephoneSeconds: 0.05, awaySeconds: 0.3 }) })
    const phone = await at.phone('romeo')
    expect((await phone.message(`sip:x@${ICQ}`, 'hello')).status).toBe(504)
    await until(() => waiting() === 'away, 0 waiting')
    await (await connected(at)).close()
    expect((await phone.message(`sip:x@${ICQ}`, 'hello')).status).toBe(504)
    expect(waiting()).toBe('awaited, 0 waiting')
  })

  test('and comes back in time, has the message of a telephone, which hears 200', async () => {
    at = await town({ components: components() })
    const phone = await at.phone('romeo')
    const answer = phone.message(`sip:x@${ICQ}`, 'hello')
    const icq = await connected(at)
    expect(bodyOf(await icq.receive())).toBe('hello')
    expect((await answer).status).toBe(200)
  })
})

describe('a component that does not read', () => {
  test('is not cut off: what it cannot take waits, and comes in order', async () => {
    at = await town({ components: components({}, { unreadCharacters: 50_000 }) })
    const icq = await connected(at)
    const juliet = await at.client('juliet')
    icq.pause()
    for (let i = 0; i < 300; i++) juliet.send(message(`x@${ICQ}`, `${i} ${'x'.repeat(1_000)}`))
    juliet.say("<iq type='get' id='p' to='xmpp.example'><ping xmlns='urn:xmpp:ping'/></iq>")
    await juliet.receive()
    expect(at.house.components.domains.find(ICQ)?.queued).toBeGreaterThan(100)
    icq.resume()
    const [bodies = []] = await heard(300, icq)
    expect(bodies.map((body) => Number.parseInt(body, 10))).toEqual(Array.from({ length: 300 }, (_, i) => i))
  })

  test('for too long is taken for gone, and what waits goes to another connection', async () => {
    at = await town({ components: components({}, { unreadCharacters: 20_000, stalledSeconds: 0.1 }) })
    const icq = await connected(at)
    const juliet = await at.client('juliet')
    icq.pause()
    for (let i = 0; i < 100; i++) juliet.send(message(`x@${ICQ}`, `${i} ${'x'.repeat(1_000)}`))
    juliet.say("<iq type='get' id='p' to='xmpp.example'><ping xmlns='urn:xmpp:ping'/></iq>")
    await juliet.receive()
    const { queued = 0 } = at.house.components.domains.find(ICQ) ?? {}
    expect(queued).toBeGreaterThan(50)
    const other = await connected(at)
    const [bodies = []] = await heard(queued, other)
    expect(bodies.map((body) => Number.parseInt(body, 10))).toEqual(Array.from({ length: queued }, (_, i) => 100 - queued + i))
    icq.resume()
  })
})

test('a user of a component writes to another one', async () => {
  at = await town({ components: components() })
  const icq = await connected(at)
  icq.send(saying(`a@${ICQ}`, `b@${ICQ}`, 'hello'))
  expect((await icq.receive()).attr('from')).toBe(`a@${ICQ}`)
})
