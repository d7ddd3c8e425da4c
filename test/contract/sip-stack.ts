/** What every SIP stack does, whatever it puts its requests on. Each of them runs this suite. */
import { afterEach, describe, expect, test } from 'vitest'
import { responseTo, withEcho } from '../../src/sip/echo.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { HeaderError, Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { tagOf } from '../../src/sip/name-addr.ts'
import { type NextHop, NoResponseError, type Received, type Serve, type SipStack, type Transport } from '../../src/sip/port.ts'
import { parseVia } from '../../src/sip/via.ts'
import { Promised } from '../support/promised.ts'

/** What not every stack can do; each of these skips the tests that stand under its name. */
export type Lack =
  /** A body that is no text in UTF-8. */
  | 'bytes'
  /** More than 12 KB. */
  | 'large messages'
  /** The Vias of a request that is relayed. */
  | 'relayed vias'
  /** Requests as broken as we write them: its server would mend or refuse them. */
  | 'broken requests'
  /** Where nobody is, its server says so at once, even over UDP. */
  | 'timeouts of datagrams'
  /** Somewhere of its own that others reach: what it is connected to is all it knows. */
  | 'a place of its own'
  /** The order and the names of header fields, and the words of refusals, are its server's. */
  | 'exact text'

export interface StackWorld {
  readonly transport: Transport
  /** Another stack that the others reach, not started. */
  stack(t1Ms: number): SipStack
  /** A place of that world where nobody is. */
  readonly nowhere: NextHop
}

/** Timer F is 64 times this: a silent peer is given up after a third of a second. */
const T1_MS = 5

export function sipStackContract(name: string, make: () => StackWorld, lacks: readonly Lack[] = []): void {
  describe(name, () => {
    const needs = (what: Lack) => test.skipIf(lacks.includes(what))
    const running: SipStack[] = []
    afterEach(async () => {
      await Promise.all(running.splice(0).map((stack) => stack.stop(0)))
    })

    async function start(world: StackWorld, serve: Serve = () => response(200), t1Ms = 500): Promise<{ stack: SipStack; hop: NextHop }> {
      const stack = world.stack(t1Ms)
      running.push(stack)
      const listening = await stack.start(serve)
      const own = listening.find((one) => one.what === `sip/${world.transport}`)
      if (!own) throw new Error(`it does not listen to ${world.transport}`)
      return { stack, hop: { transport: world.transport, host: own.address, port: own.port } }
    }

    /** Two of them; what the second one got stands in `got`. */
    async function pair(serve: Serve = () => response(200), t1Ms = 500) {
      const world = make()
      const got: Received[] = []
      const alice = await start(world, () => response(200), t1Ms)
      const bob = await start(
        world,
        (received) => {
          got.push(received)
          return serve(received)
        },
        t1Ms,
      )
      return { world, alice: alice.stack, bob: bob.stack, toBob: bob.hop, got }
    }

    describe('a request', () => {
      needs('exact text')('arrives as it was sent, below a Via of the stack', async () => {
        const { alice, toBob, got } = await pair()
        const request = message('Γειά σου, مرحبا 👋', [
          ['Subject', 'naïve “quotes”, commas; <brackets>'],
          ['P-XMPP-Data', `<message id='1'/>`],
        ])
        const before = [...request.headers.list]
        await alice.send(request, toBob)
        const arrived = one(got).request
        expect(arrived.method).toBe('MESSAGE')
        expect(arrived.uri).toBe('sip:bob@h.example')
        expect(arrived.body.toString()).toBe('Γειά σου, مرحبا 👋')
        expect(arrived.headers.list.slice(2, 2 + before.length)).toEqual(before)
        expect(arrived.headers.get('content-length')).toBe(String(Buffer.byteLength('Γειά σου, مرحبا 👋')))
        expect(request.headers.list).toEqual(before)
      })

      needs('bytes')('keeps every byte of its body', async () => {
        const { alice, toBob, got } = await pair()
        const body = Buffer.from(Array.from({ length: 512 }, (_, n) => n & 255))
        await alice.send(message(body), toBob)
        expect(one(got).request.body.equals(body)).toBe(true)
      })

      test('has a top Via that names the way back', async () => {
        const { world, alice, toBob, got } = await pair()
        await alice.send(message('hi'), toBob)
        const { request, from } = one(got)
        const via = parseVia(request.headers.get('via') ?? '')
        expect(via.transport).toBe(world.transport.toUpperCase())
        expect(via.hasUniqueBranch).toBe(true)
        expect(via.params.get('received')).toBe(from.host)
        expect(via.params.get('rport')).toBe(String(from.port))
      })

      needs('a place of its own')('arrives at the place it was sent to', async () => {
        const { world, alice, toBob, got } = await pair()
        await alice.send(message('hi'), toBob)
        expect(one(got).local).toMatchObject({ transport: world.transport, host: toBob.host, port: toBob.port })
      })

      needs('large messages')('of 20,000 bytes arrives too', async () => {
        const { alice, toBob, got } = await pair()
        expect((await alice.send(message('x'.repeat(20_000)), toBob)).status).toBe(200)
        expect(one(got).request.body.length).toBe(20_000)
      })

      needs('relayed vias')('that relays keeps the Vias it came with', async () => {
        const { alice, toBob, got } = await pair()
        const older = 'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKolder'
        await alice.send(message('hi', [['Via', older]]), toBob)
        expect(one(got).request.headers.all('via').slice(1)).toEqual([older])
      })

      test('with a header field that would be two is not sent', async () => {
        const { alice, toBob, got } = await pair()
        const request = message('hi')
        request.headers.list.push('Subject', 'hello\r\nP-Asserted-Identity: <sip:queen@h.example>')
        await expect(alice.send(request, toBob)).rejects.toThrow(HeaderError)
        await alice.send(message('next'), toBob)
        expect(got).toHaveLength(1)
      })

      test('that opens a call is not sent by it', async () => {
        const { alice, toBob } = await pair()
        const invite = message('hi')
        await expect(alice.send(new SipRequest('INVITE', invite.uri, invite.headers, invite.body), toBob)).rejects.toThrow('INVITE')
      })
    })

    describe('a response', () => {
      test('comes back with its status, its phrase, its fields and its body', async () => {
        const { alice, toBob } = await pair(() =>
          response(486, 'Ich spreche grade – später', [['Retry-After', '30']], Buffer.from('<busy/>')),
        )
        const answer = await alice.send(message('hi'), toBob)
        expect(answer.status).toBe(486)
        expect(answer.reason).toBe('Ich spreche grade – später')
        expect(answer.headers.get('retry-after')).toBe('30')
        expect(answer.body.toString()).toBe('<busy/>')
      })

      test('repeats what ties it to its request, and tags its To', async () => {
        const { alice, toBob, got } = await pair()
        const answer = await alice.send(message('hi'), toBob)
        const { headers } = one(got).request
        for (const field of ['via', 'from', 'call-id', 'cseq']) expect(answer.headers.all(field)).toEqual(headers.all(field))
        expect(tagOf(headers.get('to') ?? '')).toBeUndefined()
        expect(tagOf(answer.headers.get('to') ?? '')).toMatch(/^\w{8,}$/)
      })

      test('of another leg is tied to the request it answers', async () => {
        const foreign = responseTo(message('elsewhere'), 404, 'Nobody here')
        const { alice, toBob, got } = await pair(() => foreign)
        const request = message('hi')
        const answer = await alice.send(request, toBob)
        expect(answer.headers.get('call-id')).toBe(request.headers.get('call-id'))
        expect(answer.headers.all('via')).toEqual(one(got).request.headers.all('via'))
        expect(tagOf(answer.headers.get('to') ?? '')).toBe(tagOf(foreign.headers.get('to') ?? ''))
      })

      test('may be promised', async () => {
        const answers: ((answer: SipResponse) => void)[] = []
        const both = new Promised<void>()
        const { alice, toBob } = await pair(() => {
          return new Promise((resolve) => {
            answers.push(resolve)
            if (answers.length === 2) both.resolve()
          })
        })
        const first = alice.send(message('first'), toBob)
        const second = alice.send(message('second'), toBob)
        await both.promise
        answers[1]?.(response(202))
        expect((await second).status).toBe(202)
        answers[0]?.(response(404))
        expect((await first).status).toBe(404)
      })

      for (const [what, serve] of [
        [
          'throws',
          () => {
            throw new Error('a mistake of ours')
          },
        ],
        ['rejects', () => Promise.reject(new Error('a mistake of ours'))],
        ['gives a provisional answer', () => response(180)],
        ['gives a field that would be two', () => withUncheckedField('X', 'a\r\nb: c')],
      ] as const) {
        test(`is 500 where who serves ${what}`, async () => {
          const { alice, toBob } = await pair(serve)
          const answer = await alice.send(message('hi'), toBob)
          expect(answer.status).toBe(500)
          expect(answer.headers.has('b')).toBe(false)
          expect(answer.reason).not.toContain('mistake')
        })
      }
    })

    describe('requests nobody serves', () => {
      for (const [status, why, change] of [
        [400, 'Missing From', (request: SipRequest) => request.headers.remove('from')],
        [400, 'Malformed To', (request: SipRequest) => request.headers.set('to', '"Bob <sip:bob@h.example>')],
        [400, 'More than one Call-ID', (request: SipRequest) => request.headers.append('Call-ID', 'two')],
        [400, 'Malformed Max-Forwards', (request: SipRequest) => request.headers.set('max-forwards', '256')],
      ] as const) {
        needs('broken requests')(`${why} is answered ${status}, and says so`, async () => {
          const { alice, toBob, got } = await pair()
          const request = message('hi')
          change(request)
          const answer = await alice.send(request, toBob)
          expect(answer.status).toBe(status)
          expect(answer.reason).toContain(why)
          expect(got).toEqual([])
        })
      }

      needs('broken requests')('a Request-URI of another scheme is answered 416', async () => {
        const { alice, toBob, got } = await pair()
        const { method, headers, body } = message('hi')
        expect((await alice.send(new SipRequest(method, 'soap.beep://h.example', headers, body), toBob)).status).toBe(416)
        expect(got).toEqual([])
      })
    })

    describe('the way back', () => {
      test('a request can be sent to where another one came from', async () => {
        const world = make()
        const got: Received[] = []
        const phone = await start(world, (received) => {
          got.push(received)
          return response(200)
        })
        let from: NextHop | undefined
        const gateway = await start(world, (received) => {
          from = received.from
          return response(200)
        })
        await phone.stack.send(message('here I am'), gateway.hop)
        if (!from) throw new Error('nothing arrived')
        expect((await gateway.stack.send(message('hello phone'), from)).status).toBe(200)
        expect(one(got).request.body.toString()).toBe('hello phone')
      })

      needs('a place of its own')('localFor is where a hop reaches us', async () => {
        const { alice, bob, toBob, got } = await pair()
        await alice.send(message('hi'), toBob)
        const { host, port, transport } = bob.localFor(one(got).from)
        expect((await alice.send(message('again'), { host, port, transport })).status).toBe(200)
        expect(got).toHaveLength(2)
      })
    })

    describe('silence', () => {
      test('of a peer is a timeout after 64 times T1', async () => {
        const { alice, toBob } = await pair(() => new Promise(() => {}), T1_MS)
        const begun = performance.now()
        const failure = await alice.send(message('hi'), toBob).catch((cause: unknown) => cause)
        expect(failure).toBeInstanceOf(NoResponseError)
        expect(failure).toMatchObject({ why: 'timeout' })
        expect(performance.now() - begun).toBeGreaterThanOrEqual(64 * T1_MS)
      })

      needs('timeouts of datagrams')('where nobody is: a connection says so at once, datagrams after the timeout', async () => {
        const world = make()
        const { stack } = await start(world, undefined, T1_MS)
        const failure = await stack.send(message('hi'), world.nowhere).catch((cause: unknown) => cause)
        expect(failure).toBeInstanceOf(NoResponseError)
        expect(failure).toMatchObject({ why: world.transport === 'udp' ? 'timeout' : 'transport' })
      })

      test('by a transport that is not there is said at once', async () => {
        const { world, alice, toBob } = await pair()
        const absent = world.transport === 'wss' ? 'ws' : 'wss'
        await expect(alice.send(message('hi'), { ...toBob, transport: absent })).rejects.toMatchObject({ why: 'transport' })
      })
    })

    describe('stopping', () => {
      test('lets a request that is being served have its answer', async () => {
        const arrived = new Promised<void>()
        const answer = new Promised<SipResponse>()
        const { alice, bob, toBob } = await pair(() => {
          arrived.resolve()
          return answer.promise
        })
        const sent = alice.send(message('hi'), toBob)
        await arrived.promise
        const stopped = bob.stop(10_000)
        answer.resolve(response(202))
        expect((await sent).status).toBe(202)
        await stopped
      })

      test('ends what is waited for when the time is over', async () => {
        const arrived = new Promised<void>()
        const { alice, toBob } = await pair(() => {
          arrived.resolve()
          return new Promise(() => {})
        })
        const sent = alice.send(message('hi'), toBob).catch((cause: unknown) => cause)
        await arrived.promise
        await alice.stop(0)
        expect(await sent).toMatchObject({ why: 'transport' })
      })

      test('sends nothing afterwards', async () => {
        const { alice, toBob, got } = await pair()
        await alice.stop()
        await expect(alice.send(message('hi'), toBob)).rejects.toMatchObject({ why: 'transport' })
        expect(got).toEqual([])
      })
    })
  })
}

/** From alice to bob. */
export function message(body: string | Buffer, more: readonly (readonly [string, string])[] = []): SipRequest {
  const headers = new Headers()
  for (const [name, value] of more) headers.append(name, value)
  headers.append('Max-Forwards', '70')
  headers.append('From', `"Alice" <sip:alice@h.example>;tag=${newTag()}`)
  headers.append('To', '<sip:bob@h.example>')
  headers.append('Call-ID', newCallId())
  headers.append('CSeq', '1 MESSAGE')
  return new SipRequest('MESSAGE', 'sip:bob@h.example', headers, Buffer.from(body))
}

function withUncheckedField(name: string, value: string): SipResponse {
  return withEcho(message(''), { ...response(200), headers: new Headers([name, value]) }, 'tag')
}

function one<T>(all: readonly T[]): T {
  const [only] = all
  if (only === undefined || all.length > 1) throw new Error(`${all.length} instead of one`)
  return only
}
