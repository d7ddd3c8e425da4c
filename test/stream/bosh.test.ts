/** XMPP over BOSH (XEP-0124, XEP-0206), in front of the same streams as TCP. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Element, el } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { BoshClient, NS_BOSH, post, XBOSH } from '../support/bosh-client.ts'
import { NS_CLIENT, NS_STREAM, NS_STREAM_ERRORS } from '../support/client.ts'
import { DOMAIN } from '../support/stream-house.ts'
import { type WebHouse, webHouse } from '../support/web-house.ts'
import type { Framed } from '../support/web-socket-client.ts'

let house: WebHouse
let romeo: Framed
beforeAll(async () => {
  house = await webHouse()
  romeo = await house.session('romeo', 'there')
})
afterAll(() => house.stop())

const url = (of = house): string => of.ws.replace('ws:', 'http:').replace('/xmpp-websocket', '/http-bind')
const secureUrl = (of = house): string => of.wss.replace('wss:', 'https:').replace('/xmpp-websocket', '/http-bind')
const session = async (resource: string, of = house): Promise<BoshClient> => {
  const client = new BoshClient(secureUrl(of))
  await client.login('juliet', resource)
  return client
}
const message = (to: string, id: string): Element => el('message', NS_CLIENT, { to, id })
const condition = (body: Element): string | undefined => (body.attr('type') === 'terminate' ? body.attr('condition') : undefined)
const idsIn = (body: Element): (string | undefined)[] => body.elements().map((one) => one.attr('id'))

describe('a session over BOSH', () => {
  test('is created with what both can do, and the features', async () => {
    const client = new BoshClient(secureUrl())
    const created = await client.create({ wait: '600', hold: '9' })
    expect(
      Object.fromEntries(['wait', 'hold', 'requests', 'inactivity', 'maxpause', 'ver', 'from'].map((name) => [name, created.attr(name)])),
    ).toEqual({
      ...{ wait: '60', hold: '1', requests: '2', inactivity: '60', maxpause: '120', ver: '1.11' },
      from: DOMAIN,
    })
    expect(created.attr(`${XBOSH}restartlogic`)).toBe('true')
    expect(created.child('features', NS_STREAM)?.elements()[0]?.name).toBe('mechanisms')
    expect((client.sid ?? '').length).toBeGreaterThan(15)
  })

  test('logs in, binds, and chats with a session over WebSocket, both ways', async () => {
    const client = await session('bosh')
    const waiting = client.say(
      {},
      el('message', NS_CLIENT, { to: `romeo@${DOMAIN}/there`, id: 'm1' }, el('body', NS_CLIENT, {}, 'Ay <me> & ☂')),
    )
    const heard = await romeo.client.receive()
    expect(heard.attr('from')).toBe(`juliet@${DOMAIN}/bosh`)
    expect(heard.child('body')?.text()).toBe('Ay <me> & ☂')
    romeo.client.send(el('message', NS_CLIENT, { to: `juliet@${DOMAIN}/bosh`, id: 'm2' }, el('body', NS_CLIENT, {}, 'She speaks: ώς')))
    const [answer] = (await waiting).elements()
    expect(answer?.is('message', NS_CLIENT)).toBe(true)
    expect(answer?.child('body')?.text()).toBe('She speaks: ώς')
  })

  test('in the clear gets no mechanism where the domain requires TLS', async () => {
    const created = await new BoshClient(url()).create()
    expect(created.child('features', NS_STREAM)?.elements()).toEqual([])
  })

  test('under TLS gets no channel binding: each request may come over another connection', async () => {
    const created = await new BoshClient(secureUrl()).create()
    const offered = created
      .child('features', NS_STREAM)
      ?.elements()[0]
      ?.elements()
      .map((one) => one.text())
    expect(offered).toEqual(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN'])
  })

  test('that began under TLS is not continued in the clear', async () => {
    const client = await session('downgraded')
    const stolen = new BoshClient(url())
    stolen.sid = client.sid
    stolen.rid = client.rid
    expect(condition(await stolen.say())).toBe('item-not-found')
    expect(idsIn(await client.say({}, message(`juliet@${DOMAIN}/downgraded`, 'mine')))).toEqual(['mine'])
  })

  test('answers the older request when a newer one comes, and what arrives together in one body', async () => {
    const client = await session('two')
    const first = client.say()
    const second = client.say()
    expect((await first).elements()).toEqual([])
    for (const id of ['a', 'b', 'c']) romeo.client.send(message(`juliet@${DOMAIN}/two`, id))
    const got = idsIn(await second)
    while (got.length < 3) got.push(...idsIn(await client.say()))
    expect(got).toEqual(['a', 'b', 'c'])
  })

  test('answers a request empty-handed when it has waited long enough', async () => {
    const client = new BoshClient(secureUrl())
    await client.create({ wait: '1' })
    const answer = await client.say()
    expect(answer.attrs).toEqual([])
    expect(answer.children).toEqual([])
  })

  test('reads requests in the order of their ids, whatever the order in which they come', async () => {
    const client = await session('order')
    const first = client.body({}, message(`romeo@${DOMAIN}/there`, 'first'))
    const second = client.body({}, message(`romeo@${DOMAIN}/there`, 'second'))
    const late = client.post(second)
    const early = client.post(first)
    expect((await romeo.client.receive()).attr('id')).toBe('first')
    expect((await romeo.client.receive()).attr('id')).toBe('second')
    expect((await early).elements()).toEqual([])
    romeo.client.send(message(`juliet@${DOMAIN}/order`, 'back'))
    expect(idsIn(await late)).toEqual(['back'])
  })

  test('gives the same answer to a request that is repeated, and takes what it says only once', async () => {
    const client = await session('again')
    const text = client.body({}, message(`juliet@${DOMAIN}/again`, 'once'))
    const answer = await client.post(text)
    expect(idsIn(answer)).toEqual(['once'])
    expect(await client.post(text)).toEqual(answer)
    romeo.client.send(message(`juliet@${DOMAIN}/again`, 'then'))
    expect(idsIn(await client.say())).toEqual(['then'])
  })

  test('loses nothing when the connection breaks while a request waits: asked again, it waits on', async () => {
    const client = await session('broken')
    const text = client.body({}, message(`romeo@${DOMAIN}/there`, 'heard'))
    const broken = post(client.url, text)
    broken.answer.catch(() => {})
    expect((await romeo.client.receive()).attr('id')).toBe('heard')
    broken.abort()
    const repeated = client.post(text)
    romeo.client.send(message(`juliet@${DOMAIN}/broken`, 'back'))
    expect(idsIn(await repeated)).toEqual(['back'])
    await client.say({}, message(`romeo@${DOMAIN}/there`, 'next'), message(`juliet@${DOMAIN}/broken`, 'me'))
    expect((await romeo.client.receive()).attr('id')).toBe('next')
  })

  test('restarts its stream only after a login', async () => {
    const client = new BoshClient(secureUrl())
    await client.create()
    const answer = await client.say({ to: DOMAIN, [`${XBOSH}restart`]: 'true' })
    expect(condition(answer)).toBe('remote-stream-error')
    expect(answer.child('error', NS_STREAM)?.child('bad-format', NS_STREAM_ERRORS)).toBeDefined()
  })

  test('takes stanzas that do not name their namespace, as older clients write them', async () => {
    const client = await session('old')
    const text = `<body xmlns='${NS_BOSH}' rid='${client.rid++}' sid='${client.sid}'><message to='juliet@${DOMAIN}/old' id='plain'><body>hi</body></message></body>`
    const answer = await client.post(text)
    expect(answer.child('message', NS_CLIENT)?.child('body')?.text()).toBe('hi')
  })

  test('ends when the client says so, after what it says with it', async () => {
    const client = await session('leaving')
    const answer = await client.say({ type: 'terminate' }, message(`romeo@${DOMAIN}/there`, 'farewell'))
    expect(answer.attr('type')).toBe('terminate')
    expect((await romeo.client.receive()).attr('id')).toBe('farewell')
    expect(house.streams.ended).toContain(`juliet@${DOMAIN}/leaving`)
    expect(condition(await client.say())).toBe('item-not-found')
  })

  test('ends with the stream error where the stream does', async () => {
    const client = await session('one')
    const waiting = client.say()
    await session('one')
    const answer = await waiting
    expect(condition(answer)).toBe('remote-stream-error')
    expect(answer.child('error', NS_STREAM)?.child('conflict', NS_STREAM_ERRORS)).toBeDefined()
  })

  test('for a domain that is not ours ends before it begins', async () => {
    const answer = await new BoshClient(secureUrl()).create({ to: 'elsewhere.example' })
    expect(condition(answer)).toBe('remote-stream-error')
    expect(answer.child('error', NS_STREAM)?.child('host-unknown', NS_STREAM_ERRORS)).toBeDefined()
  })
})

describe('a client that leaves without a word', () => {
  test('is given up when it has asked for nothing long enough; a pause makes that longer, and ends what waits', async () => {
    const hasty = await webHouse({ bosh: { inactivitySeconds: 0.1, pauseMaxSeconds: 120 } })
    const gone = await session('gone', hasty)
    const pausing = await session('pausing', hasty)
    const waiting = pausing.say()
    expect((await pausing.say({ pause: '60' })).attr('type')).toBeUndefined()
    expect((await waiting).elements()).toEqual([])
    while (!hasty.streams.ended.includes(`juliet@${DOMAIN}/gone`)) await new Promise((resolve) => setImmediate(resolve))
    expect(condition(await gone.say())).toBe('item-not-found')
    expect(idsIn(await pausing.say({}, message(`juliet@${DOMAIN}/pausing`, 'still')))).toEqual(['still'])
    await hasty.stop()
  })

  test('that never logs in is told when its time is up', async () => {
    const hasty = await webHouse({ limits: { authenticationSeconds: 0.1 } })
    const client = new BoshClient(secureUrl(hasty))
    await client.create()
    expect(condition(await client.say())).toBe('remote-stream-error')
    expect(hasty.bosh.count).toBe(0)
    await hasty.stop()
  })
})

describe('who breaks the rules', () => {
  for (const [what, text] of [
    ['no XML', 'hello'],
    ['two bodies', `<body xmlns='${NS_BOSH}' rid='1'/><body xmlns='${NS_BOSH}' rid='2'/>`],
    ['another element', "<message xmlns='jabber:client'/>"],
    ['a document type', `<!DOCTYPE x><body xmlns='${NS_BOSH}' rid='1'/>`],
    ['no id', `<body xmlns='${NS_BOSH}' to='${DOMAIN}'/>`],
    ['an id beyond all numbers', `<body xmlns='${NS_BOSH}' rid='9007199254740993' to='${DOMAIN}'/>`],
    ['nothing', ''],
  ] as const) {
    test(`by sending ${what} is told bad-request`, async () => {
      const { status, text: heard } = await post(url(), text).answer
      expect(status).toBe(200)
      expect(condition(parseElement(heard))).toBe('bad-request')
    })
  }

  test('by naming a session that is not there is told item-not-found', async () => {
    const client = new BoshClient(url())
    client.sid = 'nobody'
    expect(condition(await client.say())).toBe('item-not-found')
  })

  test('by an id far ahead of the others loses the session', async () => {
    const client = await session('ahead')
    client.rid += 10
    expect(condition(await client.say())).toBe('item-not-found')
    expect(house.streams.ended).toContain(`juliet@${DOMAIN}/ahead`)
  })

  test('by asking again and again without waiting is told policy-violation', async () => {
    const client = new BoshClient(secureUrl())
    await client.create({ wait: '0', hold: '0' })
    expect((await client.say()).attr('type')).toBeUndefined()
    expect(condition(await client.say())).toBe('policy-violation')
  })

  test('by sending more than a stranger has to say loses the session, and more than anybody may send is not read', async () => {
    const client = new BoshClient(secureUrl())
    await client.create()
    expect(condition(await client.say({}, el('auth', 'urn:ietf:params:xml:ns:xmpp-sasl', {}, 'x'.repeat(20_000))))).toBe('policy-violation')
    const { status } = await post(url(), `<body xmlns='${NS_BOSH}' rid='1'>${'x'.repeat(300_000)}</body>`).answer
    expect(status).toBe(413)
  })

  test('by reading nothing of what is sent is given up', async () => {
    const small = await webHouse({ limits: { sessionPendingMaxBytes: 300_000, closeSeconds: 0.1 } })
    const client = await session('slow', small)
    expect(client.sid).toBeDefined()
    const other = await small.session('romeo', 'fast')
    for (let i = 0; !small.streams.ended.includes(`juliet@${DOMAIN}/slow`); i++) {
      other.client.send(el('message', NS_CLIENT, { to: `juliet@${DOMAIN}/slow` }, el('body', NS_CLIENT, {}, 'x'.repeat(100_000))))
      other.client.send(message(`romeo@${DOMAIN}/fast`, `${i}`))
      expect((await other.client.receive()).attr('id')).toBe(`${i}`)
    }
    expect(small.streams.log.of('reader_too_slow')).toHaveLength(1)
    await small.stop()
  })

  test('and comes from too many sessions of one address is told so', async () => {
    const few = await webHouse({ trustedProxies: ['127.0.0.1'], web: { perAddress: 1 } })
    const headers = { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' }
    expect((await new BoshClient(url(few), headers).create()).attr('type')).toBeUndefined()
    const refused = await new BoshClient(url(few), headers).create()
    expect(refused.child('error', NS_STREAM)?.child('resource-constraint', NS_STREAM_ERRORS)).toBeDefined()
    expect((await new BoshClient(url(few), { ...headers, 'X-Forwarded-For': '203.0.113.8' }).create()).attr('type')).toBeUndefined()
    await few.stop()
  })
})

describe('a page in a browser', () => {
  test('may ask from anywhere, and is told so before and with the answer', async () => {
    const asked = await fetch(url(), {
      method: 'OPTIONS',
      headers: { Origin: 'https://chat.example', 'Access-Control-Request-Method': 'POST' },
    })
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-methods')).toContain('POST')
    expect(asked.headers.get('access-control-allow-headers')).toBe('Content-Type')
    for (const type of ['text/xml; charset=utf-8', 'text/plain', undefined]) {
      const headers: Record<string, string> = type === undefined ? {} : { 'Content-Type': type }
      const { status, headers: got } = await post(url(), `<body xmlns='${NS_BOSH}' rid='7' to='${DOMAIN}'/>`, headers).answer
      expect([status, got['access-control-allow-origin'], got['content-type']]).toEqual([200, '*', 'text/xml; charset=utf-8'])
    }
  })

  test('is named in the answer where pages are named, and another is refused', async () => {
    const choosy = await webHouse({ origins: ['https://chat.example'] })
    const text = `<body xmlns='${NS_BOSH}' rid='7' to='${DOMAIN}'/>`
    const { headers } = await post(url(choosy), text, { Origin: 'https://chat.example' }).answer
    expect(headers['access-control-allow-origin']).toBe('https://chat.example')
    expect((await post(url(choosy), text, { Origin: 'https://evil.example' }).answer).status).toBe(403)
    await choosy.stop()
  })
})

test('when the gateway stops, who waits is told so', async () => {
  const stopping = await webHouse()
  const client = await session('last', stopping)
  const waiting = client.say()
  // Something has come back for it, so that the request before is known to be held.
  const next = client.say({}, message(`juliet@${DOMAIN}/last`, 'x'))
  expect(idsIn(await waiting)).toEqual(['x'])
  await Promise.all([stopping.stop(), next.then((answer) => expect(condition(answer)).toBe('remote-stream-error'))])
})
