/** Messages in a stream, and what a peer may take of us by one. */
import { afterEach, describe, expect, test } from 'vitest'
import { response, type SipResponse } from '../../../src/sip/message.ts'
import { NoResponseError } from '../../../src/sip/port.ts'
import { message } from '../../contract/sip-stack.ts'
import { Promised } from '../../support/promised.ts'
import { stopAll, text, world } from './tcp-world.ts'

afterEach(stopAll)

const callIds = (messages: readonly { readonly headers: { get(name: string): string | undefined } }[]) =>
  messages.map((one) => one.headers.get('call-id'))

describe('messages in a stream', () => {
  test('come one by one, however they are cut', async () => {
    const { got, peer } = await world()
    const one = await peer()
    const stream = Buffer.from(`${text('1', 'first')}\r\n${text('2', 'zwölf')}${text('3')}\r\n\r\n${text('4', '\r\n\r\n')}`)
    for (const byte of stream) await one.send(Buffer.from([byte]))
    for (let n = 0; n < 4; n++) await one.response()
    await one.send(stream.toString().replace(/z9hG4bK/g, 'z9hG4bKagain'))
    for (let n = 0; n < 4; n++) await one.response()
    expect(callIds(one.all)).toEqual(['1', '2', '3', '4', '1', '2', '3', '4'])
    expect(got.map(({ request }) => request.body.toString())).toEqual(['first', 'zwölf', '', '\r\n\r\n', 'first', 'zwölf', '', '\r\n\r\n'])
  })

  test('may be long', async () => {
    const { got, peer } = await world()
    const one = await peer()
    await one.send(text('1', 'x'.repeat(900_000)))
    expect((await one.response()).status).toBe(200)
    expect(got[0]?.request.body.length).toBe(900_000)
  })

  test('a double CRLF between them is answered with a CRLF', async () => {
    const { peer } = await world()
    const one = await peer()
    await one.send('\r\n\r\n')
    await one.send(text('1'))
    await one.response()
    expect(one.pongs).toBe(1)
  })

  test('ten thousand of them at once are not answered ten thousand times', async () => {
    const { peer } = await world()
    const one = await peer()
    await one.send('\r\n\r\n'.repeat(10_000))
    await one.send(text('1'))
    await one.response()
    expect(one.pongs).toBeLessThan(100)
  })

  test('one that is malformed is answered, and harms no other', async () => {
    const { peer } = await world()
    const one = await peer()
    const broken = [
      text('1', '', 0, 'MESSAGE sip:b@h.example SIP/3.0'),
      text('2', 'body', 4, 'MESSAGE <sip:b@h.example> SIP/2.0'),
      text('3').replace('CSeq: 1 MESSAGE', 'CSeq: 1 INFO'),
      text('4').replace('From: ', 'From: a, b '),
    ]
    await one.send([...broken, text('5')].join(''))
    const answers: SipResponse[] = []
    while (answers.length < 5) answers.push(await one.response())
    expect(answers.map((answer) => answer.status)).toEqual([505, 400, 400, 400, 200])
    expect(callIds(answers)).toEqual(['1', '2', '3', '4', '5'])
  })

  for (const [what, bytes, status] of [
    ['a length that is none', text('1', '', '-1'), 400],
    ['no length at all', text('1').replace(/Content-Length.*\r\n/, ''), 400],
    ['two lengths', text('1', '', '0\r\nl: 5'), 400],
    ['LF without CR', text('1').replace('\r\nCSeq', '\nCSeq'), 400],
    ['a body beyond the limit', text('1', '', 2_000_000), 513],
  ] as const) {
    test(`${what} is answered ${status} and ends the connection, as nobody knows where the next one begins`, async () => {
      const { got, peer } = await world()
      const one = await peer()
      await one.send(bytes + text('2'))
      expect((await one.response()).status).toBe(status)
      await one.closed
      expect(got).toEqual([])
    })
  }

  for (const [what, bytes] of [
    ['TLS on the wrong port', Buffer.from([0x16, 3, 1, 2, 0, 1])],
    ['a web browser', 'GET / HTTP/1.1\r\nHost: h.example\r\n\r\n'],
    ['a header without end', `MESSAGE sip:b@h.example SIP/2.0\r\nX: ${'x'.repeat(70_000)}`],
  ] as const) {
    test(`${what} is hung up on without a word`, async () => {
      const { peer } = await world()
      const one = await peer()
      await one.send(bytes)
      await one.closed
      expect(one.all).toEqual([])
    })
  }
})

describe('a peer that closes its side after its last byte', () => {
  test('still hears the answer', async () => {
    const answer = new Promised<SipResponse>()
    const { peer, got } = await world({ serve: () => answer.promise })
    const one = await peer()
    await one.send(text('1'))
    one.end()
    while (got.length === 0) await new Promise((resolve) => setImmediate(resolve))
    answer.resolve(response(202))
    expect((await one.response()).status).toBe(202)
  })

  test('is not asked anything more', async () => {
    const { stack, peer, got } = await world({ limits: { lingerMs: 100 } })
    const one = await peer()
    await one.send(text('1'))
    await one.response()
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    const waiting = stack.send(message('hello?'), from).catch((cause: unknown) => cause)
    await one.request()
    one.end()
    expect(await waiting).toMatchObject({ why: 'transport' })
    await expect(stack.send(message('hello?'), from)).rejects.toMatchObject({ why: 'transport' })
    await one.closed
  })

  test('in the middle of a message is hung up on', async () => {
    const { peer, got } = await world()
    const one = await peer()
    await one.send(text('1').slice(0, 60))
    one.end()
    await one.closed
    expect(got).toEqual([])
  })
})

describe('what a stranger may take', () => {
  test('no time without a message', async () => {
    const { peer, heard } = await world({ limits: { firstMessageMs: 20 } })
    await (await peer()).closed
    await heard.fact({ what: 'sip_connection_closed', why: 'idle' })
  })

  test('no time with half a message', async () => {
    const { peer, heard } = await world({ limits: { messageMs: 20 } })
    const one = await peer()
    await one.send(text('1').slice(0, 50))
    await one.closed
    await heard.fact({ why: 'a message was not finished in time' })
  })

  test('no time by single bytes either', async () => {
    const { peer } = await world({ limits: { messageMs: 30 } })
    const one = await peer()
    let isOpen = true
    one.closed.then(() => {
      isOpen = false
    })
    const bytes = Buffer.from(text('1', 'x'.repeat(100_000)))
    // Each write is awaited, so this is as slow as the kernel, not as the clock.
    for (let at = 0; isOpen && at < bytes.length - 1; at++) await one.send(bytes.subarray(at, at + 1)).catch(() => {})
    await one.closed
  })

  test('an idle connection is closed in the end', async () => {
    const { peer } = await world({ limits: { idleMs: 20 } })
    const one = await peer()
    await one.send(text('1'))
    await one.response()
    await one.closed
  })

  test('so many connections and no more, of one address and of all', async () => {
    const perAddress = await world({ limits: { connectionsPerAddressMax: 2 } })
    const inAll = await world({ limits: { connectionsMax: 2 } })
    for (const { peer, heard } of [perAddress, inAll]) {
      const [first, second, third] = [await peer(), await peer(), await peer()]
      await third.closed
      await heard.fact({ what: 'sip_connection_refused' })
      await first.close()
      await second.send(text('1'))
      expect((await second.response()).status).toBe(200)
    }
  })

  test('no more memory for unfinished messages than there is for all', async () => {
    const { peer, heard } = await world({ limits: { unfinishedMaxBytes: 100_000 } })
    const first = await peer()
    await first.send(text('1', 'x'.repeat(40_000), 50_000))
    const second = await peer()
    await second.send(text('2', 'x'.repeat(80_000), 90_000))
    await second.closed
    await first.send('x'.repeat(10_000))
    expect((await first.response()).status).toBe(200)
    await heard.fact({ why: 'No room for unfinished messages' })
    const third = await peer()
    await third.send(text('3', 'x'.repeat(40_000)))
    expect((await third.response()).status).toBe(200)
  })

  test('nor is anything kept for a peer that does not read', async () => {
    const { stack, got, heard, peer } = await world({ limits: { unsentMaxBytes: 500_000 } })
    const one = await peer()
    await one.send(text('1'))
    await one.response()
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    one.pause()
    const body = 'x'.repeat(200_000)
    const failures = await Promise.all(Array.from({ length: 60 }, () => stack.send(message(body), from).catch((cause: unknown) => cause)))
    expect(failures.every((one) => one instanceof NoResponseError && one.why === 'transport')).toBe(true)
    await heard.fact({ why: 'the peer does not read' })
  })
})
