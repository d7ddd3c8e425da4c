/** What one domain says to another: in order, over closed and broken streams, and back to its sender where it cannot be said. */
import { afterEach, expect, test } from 'vitest'
import { el } from '../../../src/xml/element.ts'
import { NS_CLIENT } from '../../support/client.ts'
import { type FederationOptions, type FederationRoom, federationTo, OURS, THEIRS } from '../../support/federation-room.ts'
import { type Script, ScriptedServer } from '../../support/scripted-server.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function server(script: Script, port = 0): Promise<ScriptedServer> {
  const made = await ScriptedServer.start(script, port)
  closing.push(() => made.stop())
  return made
}

function room(port: number, options: FederationOptions = {}): FederationRoom {
  const made = federationTo(port, options)
  closing.push(() => made.federation.stop())
  return made
}

const message = (n: number, to = THEIRS) =>
  el('message', NS_CLIENT, { from: `juliet@${OURS}/balcony`, to: `romeo@${to}`, id: `m${n}` }, el('body', NS_CLIENT, {}, String(n)))
const numbers = (at: ScriptedServer) => at.stanzas.map(({ xml }) => xml.child('body')?.text())
const upTo = (count: number) => Array.from({ length: count }, (_, n) => String(n))

test('what is said before the stream is open is sent in order when it is', async () => {
  const mantua = await server({ tls: 'none' })
  const verona = room(mantua.port)
  const answers = await Promise.all(upTo(50).map((n) => verona.send(message(Number(n)))))
  await mantua.until(50)
  expect(answers.every(({ status }) => status === 202)).toBe(true)
  expect(numbers(mantua)).toEqual(upTo(50))
  expect(mantua.connections).toBe(1)
})

test('an idle stream is closed and opened again, and nothing is lost or turned round', async () => {
  const mantua = await server({ tls: 'none' })
  const verona = room(mantua.port, { idleMs: 30 })
  for (let n = 0; n < 3; n++) {
    verona.heard.facts.length = 0
    for (let i = 0; i < 10; i++) void verona.send(message(n * 10 + i))
    await mantua.until(n * 10 + 10)
    await verona.heard.fact({ what: 'stream_closed' })
  }
  expect(numbers(mantua)).toEqual(upTo(30))
  expect(mantua.connections).toBe(3)
})

test('the stanza that arrives has the namespace of servers and both its addresses', async () => {
  const mantua = await server({ tls: 'none' })
  await room(mantua.port).send(message(0))
  await mantua.until(1)
  const xml = mantua.stanzas[0]?.xml
  expect([xml?.ns, xml?.child('body')?.ns, xml?.attr('from'), xml?.attr('to')]).toEqual([
    'jabber:server',
    'jabber:server',
    `juliet@${OURS}/balcony`,
    `romeo@${THEIRS}`,
  ])
})

test('a server that is killed: what it cannot have read comes back as remote-server-timeout, and what is said then is sent', async () => {
  const mantua = await server({ tls: 'none' })
  const verona = room(mantua.port)
  for (let n = 0; n < 5; n++) await verona.send(message(n))
  await mantua.until(5)
  mantua.kill()
  await verona.until(5)
  expect(verona.submitted.map(({ id, type }) => [id, type])).toEqual(upTo(5).map((n) => [`m${n}`, 'error']))
  expect(verona.submitted[0]?.xml.child('error')?.firstElement()?.name).toBe('remote-server-timeout')
  expect(verona.submitted[0]?.from.toString()).toBe(`romeo@${THEIRS}`)
  expect((await verona.send(message(5))).status).toBe(202)
  await mantua.until(6)
  expect(numbers(mantua)).toEqual(upTo(6))
})

test('a server that says goodbye has read what came before it', async () => {
  const mantua = await server({ tls: 'none' })
  const verona = room(mantua.port)
  await verona.send(message(0))
  await mantua.until(1)
  mantua.goodbye()
  await verona.heard.fact({ what: 'stream_ended', how: 'closed' })
  expect(verona.submitted).toEqual([])
})

test('a server that is away for a moment is waited for', async () => {
  const before = await ScriptedServer.start({ tls: 'none' })
  const { port } = before
  await before.stop()
  const verona = room(port, { limits: { backoffMinMs: 20 } })
  const answer = verona.send(message(0))
  await verona.heard.fact({ what: 'stream_not_opened' })
  const mantua = await server({ tls: 'none' }, port)
  expect((await answer).status).toBe(202)
  await mantua.until(1)
})

test('what has waited long enough comes back as remote-server-timeout', async () => {
  const before = await ScriptedServer.start({ tls: 'none' })
  const { port } = before
  await before.stop()
  const verona = room(port, { limits: { waitingSeconds: 0.2, backoffMinMs: 20 } })
  const answer = await verona.send(message(0))
  expect(answer.status).toBe(408)
})

test('a telephone is told 202 when it cannot wait longer, and the failure follows', async () => {
  const before = await ScriptedServer.start({ tls: 'none' })
  const { port } = before
  await before.stop()
  const verona = room(port, { limits: { answerSeconds: 0.05, waitingSeconds: 0.2, backoffMinMs: 20 } })
  expect((await verona.send(message(7))).status).toBe(202)
  await verona.until(1)
  expect([verona.submitted[0]?.id, verona.submitted[0]?.type]).toEqual(['m7', 'error'])
})

test('a key that is not believed is told as remote-server-not-found, and not tried again at once', async () => {
  const mantua = await server({ tls: 'none', verdict: 'invalid' })
  const verona = room(mantua.port)
  expect((await verona.send(message(0))).status).toBe(404)
  expect((await verona.send(message(1))).status).toBe(404)
  expect([mantua.connections, mantua.stanzas.length]).toEqual([1, 0])
})

test('more than may wait for one server is refused with resource-constraint', async () => {
  const mantua = await server({ tls: 'none', verdict: undefined })
  const verona = room(mantua.port, { limits: { waitingMax: 3 } })
  for (let n = 0; n < 3; n++) void verona.send(message(n))
  const answer = await verona.send(message(3))
  expect([answer.status, answer.header('Retry-After')]).toEqual([500, '30'])
})

test('ten thousand domains that do not exist are told so, forgotten, and delay nobody', async () => {
  const mantua = await server({ tls: 'none' })
  const verona = room(mantua.port, { limits: { queuesMax: 2_000, forgetSeconds: 0 } })
  const wrong = Array.from({ length: 10_000 }, (_, n) => verona.send(message(n, `no${n}.example`)))
  expect((await verona.send(message(0))).status).toBe(500)
  const statuses = new Set((await Promise.all(wrong)).map(({ status }) => status))
  expect([...statuses].sort()).toEqual([404, 500])
  expect((await verona.send(message(1))).status).toBe(202)
  await mantua.until(1)
  expect(Number(Object.fromEntries(verona.federation.status).queues)).toBeLessThanOrEqual(2_000)
})

test('what nobody of ours says is not passed on', async () => {
  const mantua = await server({ tls: 'none' })
  const verona = room(mantua.port)
  const foreign = el('message', NS_CLIENT, { from: 'tybalt@pbx.example', to: `romeo@${THEIRS}` }, el('body', NS_CLIENT, {}, 'Draw!'))
  expect((await verona.send(foreign)).status).toBe(403)
  expect(mantua.connections).toBe(0)
})

test('the gateway is stopped: what waits comes back', async () => {
  const mantua = await server({ tls: 'none', verdict: undefined })
  const verona = room(mantua.port)
  const answer = verona.send(message(0))
  verona.federation.stop()
  expect((await answer).status).toBe(408)
})
