/** The double against what was measured on a real drachtio server: its frames, its limits, and what it changes, as an application sees them on the bare socket. */
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { response } from '../../../src/sip/message.ts'
import type { Received } from '../../../src/sip/port.ts'
import { message } from '../../contract/sip-stack.ts'
import { DrachtioDouble } from '../../support/drachtio-double.ts'
import { keep, leave, lines, request } from '../../support/drachtio-place.ts'

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const PEER = 'sip:192.0.2.2:5060;transport=tcp'

/** An application that knows only sockets. */
class Bare {
  readonly #unread: string[] = []
  readonly #readers: ((payload: string) => void)[] = []
  #bytes = Buffer.alloc(0)
  #id = 0

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('error', () => {}) // close tells
  }

  static async to(port: number): Promise<Bare> {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true })
    await once(socket, 'connect')
    keep({
      stop: async () => {
        socket.destroy()
      },
    })
    return new Bare(socket)
  }

  /** Gives the id. */
  send(payload: string): string {
    const id = `id-${++this.#id}`
    this.socket.write(frame(`${id}|${payload}`))
    return id
  }

  /** The payload of the next frame, cut at `|` in its first line, and what stands below that. */
  async received(): Promise<{ readonly words: readonly string[]; readonly text: string }> {
    const next = this.#unread.shift() ?? (await new Promise<string>((resolve) => this.#readers.push(resolve)))
    const end = next.indexOf('\r\n')
    return { words: (end < 0 ? next : next.slice(0, end)).split('|'), text: end < 0 ? '' : next.slice(end + 2) }
  }

  async ask(payload: string) {
    const id = this.send(payload)
    const { words, text } = await this.received()
    expect([words[1], words[2]]).toEqual(['response', id])
    return { words: words.slice(3), text }
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    for (let hash = this.#bytes.indexOf('#'); hash > 0; hash = this.#bytes.indexOf('#')) {
      const end = hash + 1 + Number(this.#bytes.toString('latin1', 0, hash))
      if (this.#bytes.length < end) return
      const payload = this.#bytes.toString('utf8', hash + 1, end)
      this.#bytes = this.#bytes.subarray(end)
      const reader = this.#readers.shift()
      if (reader) reader(payload)
      else this.#unread.push(payload)
    }
  }
}

const frame = (payload: string): string => `${Buffer.byteLength(payload)}#${payload}`

async function place() {
  const network = new MemoryNetwork()
  const double = keep(await DrachtioDouble.over(network.join({ host: '192.0.2.1' }), { answerMs: 50 }))
  const peer = keep(network.join({ host: '192.0.2.2' }))
  const got: Received[] = []
  await peer.start((received) => {
    got.push(received)
    return response(200)
  })
  const bare = await Bare.to(double.port)
  return { double, peer, got, bare, toUs: { transport: 'tcp', host: '192.0.2.1', port: 5_060 } as const }
}

afterEach(leave)

const sip = (body: string, fields: readonly string[] = [], uri = 'sip:bob@h.example'): string =>
  [
    `MESSAGE ${uri} SIP/2.0`,
    'From: <sip:a@h.example>;tag=1',
    'To: <sip:bob@h.example>',
    'Call-ID: c1',
    'CSeq: 1 MESSAGE',
    ...fields,
    '',
    body,
  ].join('\r\n')
const TYPE = 'Content-Type: text/plain'

describe('the admin protocol', () => {
  test('answers authenticate with its sockets and its version, and refuses a wrong secret and closes', async () => {
    const { bare, double } = await place()
    expect((await bare.ask('authenticate|cymru|')).words).toEqual(['OK', double.hostPorts, 'v0.9.10', double.hostPorts])
    expect(double.hostPorts).toBe('udp/192.0.2.1:5060,tcp/192.0.2.1:5060')
    const other = await Bare.to(double.port)
    const closed = once(other.socket, 'close')
    expect((await other.ask('authenticate|wrong|')).words[0]).toBe('NO')
    await closed
  })

  test('answers ping and route, and forgets a route that is removed', async () => {
    const { bare, double } = await place()
    expect((await bare.ask('ping')).words).toEqual(['OK'])
    expect((await bare.ask('route|message')).words).toEqual(['OK'])
    expect([...double.applications][0]?.routes).toEqual(new Set(['message']))
    expect((await bare.ask('remove_route|message')).words).toEqual(['OK'])
    expect([...double.applications][0]?.routes).toEqual(new Set())
  })

  test('says when a request was sent, then passes on the response under the same transaction', async () => {
    const { bare, got } = await place()
    const { words, text } = await bare.ask(`sip|||${PEER}\r\n${sip('Γειά', [TYPE])}`)
    expect(words.slice(0, 3)).toEqual(['OK', 'application', String(text.length)])
    expect(words.slice(3, 6)).toEqual(['tcp', '192.0.2.2', '5060'])
    expect(words[6]).toMatch(/^\d\d:\d\d:\d\d\.\d{6}$/)
    expect(words[7]).toMatch(UUID)
    expect(words.slice(8)).toEqual(['Msg sent:', ''])
    expect(text).toMatch(/^MESSAGE sip:bob@h\.example SIP\/2\.0\r\nVia: /)
    const answer = await bare.received()
    expect(answer.words.slice(1, 3)).toEqual(['sip', 'network'])
    expect(answer.words.slice(4, 7)).toEqual(['tcp', '192.0.2.2', '5060'])
    expect(answer.words[8]).toBe(words[7])
    expect(answer.text).toMatch(/^SIP\/2\.0 200 OK\r\n/)
    expect(got[0]?.request.body.toString()).toBe('Γειά')
  })

  test('passes on a request with where it came from and where it arrived, and sends the answer', async () => {
    const { bare, peer, toUs } = await place()
    await bare.ask('route|message')
    const sent = peer.send(
      message('hi', [
        ['P-Two', 'a'],
        ['P-Two', 'b'],
      ]),
      toUs,
    )
    const { words, text } = await bare.received()
    expect(words.slice(1, 3)).toEqual(['sip', 'network'])
    expect(words.slice(4, 7)).toEqual(['tcp', '192.0.2.2', '5060'])
    expect(words[8]).toMatch(UUID)
    expect(words.slice(9)).toEqual(['', '192.0.2.1', '5060', ''])
    expect(text).toContain('\r\nP-Two: a,b\r\n')
    const reply = await bare.ask(`sip|${words[8]}|\r\nSIP/2.0 486 Busy Here\r\nRetry-After: 5\r\n\r\n`)
    expect(reply.words[0]).toBe('OK')
    expect(reply.words[7]).toBe(words[8])
    expect(reply.words.slice(8)).toEqual(['', '', 'Msg sent:', ''])
    const answer = await sent
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([486, '5'])
  })

  test('answers in the place of an application: 503 for what nobody wants, 481 for UPDATE, 408 where nothing is said, 500 after a provisional', async () => {
    const { bare, peer, toUs } = await place()
    expect((await peer.send(message('hi'), toUs)).status).toBe(503)
    expect((await peer.send(request('UPDATE'), toUs)).status).toBe(481)
    await bare.ask('route|message')
    const first = peer.send(message('hi'), toUs)
    await bare.received()
    expect((await first).status).toBe(408)
    const second = peer.send(message('hi'), toUs)
    const { words } = await bare.received()
    await bare.ask(`sip|${words[8]}|\r\nSIP/2.0 180 Ringing\r\n\r\n`)
    expect((await second).status).toBe(500)
  })

  test('answers itself where nobody is, and such an answer comes from no address', async () => {
    const { bare } = await place()
    await bare.ask(`sip|||sip:192.0.2.77:5060;transport=tcp\r\n${sip('')}`)
    const { words, text } = await bare.received()
    expect(words.slice(3, 7)).toEqual(['0', 'tcp', '', '0'])
    expect(text).toMatch(/^SIP\/2\.0 503 /)
  })

  test('gives applications their turns', async () => {
    const { bare, double, peer, toUs } = await place()
    const other = await Bare.to(double.port)
    await bare.ask('route|message')
    await other.ask('route|message')
    const sent = Array.from({ length: 4 }, () => peer.send(message(''), toUs))
    for (const one of [bare, other]) {
      const asked = [await one.received(), await one.received()]
      expect(asked.map(({ words }) => words[1])).toEqual(['sip', 'sip'])
      for (const { words } of asked) one.send(`sip|${words[8]}|\r\nSIP/2.0 200 OK\r\n\r\n`)
    }
    for (const answer of await Promise.all(sent)) expect(answer.status).toBe(200)
    expect(double.applications.size).toBe(2)
  })
})

describe('its limits', () => {
  test('a frame of 12,228 bytes is taken; one byte more stops the connection for good, and nobody is told', async () => {
    const { bare, double } = await place()
    const room = 12_228 - '12228#'.length
    const sized = (bytes: number): string => {
      const head = `id-9|sip|||${PEER}\r\n${sip('', [TYPE])}`
      return head + lines(bytes - head.length)
    }
    bare.socket.write(frame(sized(room)))
    expect((await bare.received()).words.slice(1, 4)).toEqual(['response', 'id-9', 'OK'])
    await bare.received()
    const fault = once(double, 'fault')
    bare.socket.write(frame(sized(room + 1)))
    expect((await fault)[0]).toContain('12229')
    bare.send('ping')
    const other = await Bare.to(double.port)
    await other.ask('ping')
    expect([...double.applications].map(({ pings }) => pings)).toEqual([0, 1])
  })

  test('what comes behind a frame of more than 4,036 bytes before its response spoils it', async () => {
    const { bare, double } = await place()
    const large = `id-9|sip|||${PEER}\r\n${sip(lines(4_100), [TYPE])}`
    const fault = once(double, 'fault')
    bare.socket.write(frame(large) + frame('id-10|ping'))
    expect((await fault)[0]).toMatch(/bytes came with a frame of 4\d{3}/)
  })

  test('header fields are cut at 8,400 bytes together, and the request goes out all the same', async () => {
    const { bare, got } = await place()
    await bare.ask(`sip|||${PEER}\r\n${sip('', [`P-Long: ${'x'.repeat(8_500)}`, 'P-Last: there'])}`)
    await bare.received()
    expect(got[0]?.request.headers.get('p-long')?.length).toBeLessThan(8_400)
    expect(got[0]?.request.headers.has('p-last')).toBe(false)
  })

  test('a line of more than 8,192 bytes is refused with 400 before any application sees it', async () => {
    const { bare, peer, toUs } = await place()
    await bare.ask('route|message')
    for (const large of [message('x'.repeat(8_193)), message('', [['P-Long', 'x'.repeat(8_190)]])])
      expect((await peer.send(large, toUs)).status).toBe(400)
    const lived = peer.send(message(lines(20_000)), toUs)
    const { words, text } = await bare.received()
    expect(text.length).toBeGreaterThan(20_000)
    await bare.ask(`sip|${words[8]}|\r\nSIP/2.0 200 OK\r\n\r\n`)
    expect((await lived).status).toBe(200)
  })
})

describe('what it changes', () => {
  for (const [what, said, expected] of [
    ['a body without a type', sip('hi'), 'missing content-type'],
    ['a ; in the user', sip('', [], 'sip:a;b@h.example'), 'invalid request-uri'],
    ['a request to itself', sip('', [], 'sip:bob@192.0.2.1:5060'), 'can not send request to myself'],
    ['a From that is none', sip('').replace('From: <sip:a@h.example>', 'From: "a <sip:a@h.example>'), 'Error creating leg'],
    ['a dialog nobody knows', '', 'unable to find dialog'],
  ] as const) {
    test(`${what} is refused, and the connection stays`, async () => {
      const { bare } = await place()
      const payload = said === '' ? `sip||none\r\n${sip('')}` : `sip|||${PEER}\r\n${said}`
      const { words } = await bare.ask(payload)
      expect(words[0]).toBe('NOK')
      expect(words[1]).toContain(expected)
      expect((await bare.ask('ping')).words).toEqual(['OK'])
    })
  }

  test('escapes that need none are undone in the Request-URI, others stay', async () => {
    const { bare, got } = await place()
    await bare.ask(`sip|||${PEER}\r\n${sip('', [], 'sip:%61%2Bb%40c%25%20%3F@h.example')}`)
    await bare.received()
    expect(got[0]?.request.uri).toBe('sip:a+b%40c%25%20?@h.example')
  })

  test('Via and Route are its own, a value ends at NUL, and localhost is itself', async () => {
    const { bare, got } = await place()
    const fields = ['Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx', 'Route: <sip:192.0.2.8;lr>', 'P-Nul: a\0b', 'Contact: <sip:me@localhost>']
    await bare.ask(`sip|||${PEER}\r\n${sip('', fields)}`)
    await bare.received()
    const headers = got[0]?.request.headers
    expect(headers?.all('via')).toHaveLength(1)
    expect(headers?.has('route')).toBe(false)
    expect(headers?.get('p-nul')).toBe('a')
    expect(headers?.get('contact')).toBe('<sip:me@192.0.2.1:5060>')
  })
})
