/** What is said through a drachtio server, and what is answered, arrives as it was meant, or not at all. */
import { afterEach, describe, expect, test } from 'vitest'
import { print } from '../../../src/sip/codec.ts'
import type { Place } from '../../../src/sip/embedded/memory.ts'
import { newBranch } from '../../../src/sip/identifier.ts'
import { HeaderError, response, SipRequest } from '../../../src/sip/message.ts'
import { Forward } from '../../../src/sip/port.ts'
import { message } from '../../contract/sip-stack.ts'
import { failureOf, leave, lines, place, request } from '../../support/drachtio-place.ts'
import { Promised } from '../../support/promised.ts'
import { LogBook } from '../../support/stream-house.ts'

afterEach(leave)

describe('what is said in another world', () => {
  test('never becomes a header field here', async () => {
    const { stack, double, toPeer, got } = await place()
    for (const value of ['a\r\nP-Asserted-Identity: <sip:queen@h.example>', 'a\nb', 'a\rb', 'a\0b']) {
      const request = message('')
      request.headers.list.push('Subject', value)
      expect(await failureOf(stack.send(request, toPeer))).toBeInstanceOf(HeaderError)
    }
    const named = message('')
    named.headers.list.push('X: y\r\nInjected', 'z')
    expect(await failureOf(stack.send(named, toPeer))).toBeInstanceOf(HeaderError)
    const { headers, body } = message('')
    const started = new SipRequest('MESSAGE', 'sip:bob@h.example SIP/2.0\r\nInjected: z', headers, body)
    expect(await failureOf(stack.send(started, toPeer))).toBeInstanceOf(HeaderError)
    expect(await failureOf(stack.send(message(''), { ...toPeer, host: 'h|x' }))).toBeInstanceOf(HeaderError)
    expect(got).toEqual([])
    expect(double.faults).toEqual([])
  })

  test('in a body is text in UTF-8 without NUL, or refused: the server would cut it, and we would read something else', async () => {
    const { stack, peer, toPeer, toUs, got, served } = await place()
    const type = [['Content-Type', 'text/plain;charset=ISO-8859-1']] as const
    for (const body of [Buffer.from('na\xefve', 'latin1'), Buffer.from('a\0b')])
      expect(await failureOf(stack.send(message(body, type), toPeer))).toMatchObject({ status: 415 })
    expect((await peer.send(message(Buffer.from('na\xefve', 'latin1'), type), toUs)).status).toBe(415)
    expect([got.length, served.length]).toEqual([0, 0])
  })

  test('passes with its quotes, commas, brackets, escapes and emoji, both ways', async () => {
    const { stack, peer, toPeer, toUs, got, served } = await place()
    const value = `<message id='1' x="a,b;c">%20 &#10; \\ {|}~ Ωmega 👋</message>`
    await stack.send(message('Γειά 👋', [['P-XMPP-Data', value]]), toPeer)
    await peer.send(message('Γειά 👋', [['P-XMPP-Data', value]]), toUs)
    for (const { request: arrived } of [got[0], served[0]].flatMap((one) => one ?? [])) {
      expect(arrived.headers.all('p-xmpp-data')).toEqual([value])
      expect(arrived.body.toString()).toBe('Γειά 👋')
    }
    expect([got.length, served.length]).toEqual([1, 1])
  })
})

describe('an answer of ours', () => {
  test('may have two challenges, in two fields', async () => {
    const challenges = ['Digest realm="h.example", nonce="1", algorithm=SHA-256', 'Digest realm="h.example", nonce="2", algorithm=MD5']
    const { peer, toUs } = await place({
      serve: () =>
        response(
          401,
          'Unauthorized',
          challenges.map((value) => ['WWW-Authenticate', value] as const),
        ),
    })
    const answer = await peer.send(message(''), toUs)
    expect(answer.headers.all('www-authenticate')).toEqual(challenges)
  })

  test('with a list in several fields is one list', async () => {
    const contacts = ['<sip:a@h.example>;expires=60', '<sip:b@h.example>;expires=60']
    const { peer, toUs } = await place({
      serve: () =>
        response(
          200,
          'OK',
          contacts.map((value) => ['Contact', value] as const),
        ),
    })
    expect((await peer.send(message(''), toUs)).headers.values('contact')).toEqual(contacts)
  })

  test('that is too large is 513, and says the limit', async () => {
    const log = new LogBook()
    const { peer, toUs, double } = await place({
      log,
      serve: () => response(200, 'OK', [['Content-Type', 'text/plain']], Buffer.from(lines(13_000))),
    })
    const answer = await peer.send(message(''), toUs)
    expect(answer.status).toBe(513)
    expect(answer.reason).toContain('12228')
    expect(double.faults).toEqual([])
    expect(log.of('sip_response_refused')).toHaveLength(1)
  })

  test('with a status nobody has a name for is one of its hundred', async () => {
    const { peer, toUs } = await place({ serve: () => response(469, 'Bad Info Package') })
    const answer = await peer.send(message(''), toUs)
    expect([answer.status, answer.reason]).toEqual([400, 'Bad Info Package'])
  })

  test('with a status that is none is 500', async () => {
    const { peer, toUs } = await place({ serve: () => response(999, 'Unheard of') })
    expect((await peer.send(message(''), toUs)).status).toBe(500)
  })

  test('is 501 where it wants a call forwarded, and the log says why', async () => {
    const log = new LogBook()
    const { peer, toUs } = await place({ log, serve: ({ request: asked }) => new Forward(asked, []) })
    expect((await peer.send(message(''), toUs)).status).toBe(501)
    expect(log.of('sip_forward_refused')).toHaveLength(1)
  })

  test('to a call is 405 or 480 as whoever serves says', async () => {
    const { network } = await place({ serve: ({ request: asked }) => response(asked.method === 'INVITE' ? 480 : 200) })
    const answers = new Promised<string>()
    const caller: Place = { transport: 'tcp', host: '192.0.2.9', port: 5_060, take: (bytes) => answers.resolve(bytes.toString()) }
    network.enter(caller)
    network.carry(caller, print(request('INVITE'), `SIP/2.0/TCP 192.0.2.9:5060;branch=${newBranch()};rport`), '192.0.2.1', 5_060)
    expect(await answers.promise).toMatch(/^SIP\/2\.0 480 /)
  })
})

describe('every method', () => {
  for (const method of ['MESSAGE', 'SUBSCRIBE', 'NOTIFY', 'INFO', 'OPTIONS', 'PUBLISH', 'REGISTER']) {
    test(`${method} goes out and comes in`, async () => {
      const { stack, peer, toPeer, toUs, served, got } = await place()
      expect((await stack.send(request(method, []), toPeer)).status).toBe(200)
      expect((await peer.send(request(method, []), toUs)).status).toBe(200)
      expect([got[0]?.request.method, served[0]?.request.method]).toEqual([method, method])
    })
  }
})

describe('a request the server forgets', () => {
  test('ends by our own Timer F', async () => {
    const { stack, double, toPeer, got } = await place({ settings: { timers: { t1Ms: 5 } } })
    double.isForgetful = true
    const begun = performance.now()
    const failures = await Promise.all(Array.from({ length: 50 }, () => failureOf(stack.send(message(''), toPeer))))
    for (const failure of failures) expect(failure).toMatchObject({ why: 'timeout' })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(320)
    expect(got).toHaveLength(50)
    expect(stack.adapter.load).toEqual({ serving: 0, waiting: 0 })
    double.isForgetful = false
    expect((await stack.send(message(''), toPeer)).status).toBe(200)
  })

  test('has the words of the server where it refuses to send', async () => {
    const { stack, toPeer } = await place()
    const { method, headers, body } = message('')
    const toItself = new SipRequest(method, 'sip:bob@192.0.2.1:5060', headers, body)
    expect(await failureOf(stack.send(toItself, toPeer))).toMatchObject({ status: 482 })
    const semicolon = new SipRequest(method, 'sip:a;b@h.example', headers, body)
    expect(await failureOf(stack.send(semicolon, toPeer))).toMatchObject({ status: 400, reason: expect.stringContaining('request-uri') })
  })
})
