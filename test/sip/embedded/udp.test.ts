/** The stack on a UDP socket, and a peer that speaks in bytes. */
import { afterEach, describe, expect, test } from 'vitest'
import { silent } from '../../../src/log/log.ts'
import { embeddedStack } from '../../../src/sip/embedded/stack.ts'
import { response, type SipRequest, type SipResponse } from '../../../src/sip/message.ts'
import { tagOf } from '../../../src/sip/name-addr.ts'
import type { Received, Serve, SipStack } from '../../../src/sip/port.ts'
import { message } from '../../contract/sip-stack.ts'
import { Promised } from '../../support/promised.ts'
import { UdpPeer } from '../../support/raw-sip.ts'

const running: { stop(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
})

async function world(serve: Serve = () => response(200)) {
  const got: Received[] = []
  const stack = embeddedStack({ listeners: [{ transport: 'udp', port: 0, address: '127.0.0.1' }] }, silent)
  const [listening] = await stack.start((received) => {
    got.push(received)
    return serve(received)
  })
  running.push({ stop: () => stack.stop(0) })
  return { stack, got, port: listening?.port ?? 0, peer: await peerOf(listening?.port ?? 0) }
}

async function peerOf(port: number): Promise<UdpPeer> {
  const peer = await UdpPeer.to(port)
  running.push({ stop: () => peer.close() })
  return peer
}

interface Parts {
  readonly via?: string
  readonly branch?: string
  readonly method?: string
  readonly callId?: string
  readonly more?: readonly string[]
}

function text({
  via = 'SIP/2.0/UDP 192.0.2.99:5070;rport',
  branch = 'z9hG4bK1',
  method = 'MESSAGE',
  callId = '1',
  more = [],
}: Parts = {}): string {
  return [
    `${method} sip:b@h.example SIP/2.0`,
    `Via: ${via}${branch === '' ? '' : `;branch=${branch}`}`,
    'From: <sip:a@h.example>;tag=1',
    'To: <sip:b@h.example>',
    `Call-ID: ${callId}`,
    `CSeq: 1 ${method}`,
    ...more,
    '\r\n',
  ].join('\r\n')
}

/** Everything that was sent before has been dealt with. */
async function settled(peer: UdpPeer): Promise<void> {
  peer.send(text({ method: 'OPTIONS', branch: `z9hG4bKsettle${peer.all.length}`, callId: 'settled' }))
  while ((await peer.response()).headers.get('call-id') !== 'settled');
}

describe('the way back', () => {
  test('with rport the response comes to where the request was sent from, and both see it written', async () => {
    const { peer, got } = await world()
    peer.send(text())
    const answer = await peer.response()
    const via = `SIP/2.0/UDP 192.0.2.99:5070;rport=${peer.port};branch=z9hG4bK1;received=127.0.0.1`
    expect(answer.headers.get('via')).toBe(via)
    expect(got[0]?.request.headers.get('via')).toBe(via)
    expect(got[0]?.from).toMatchObject({ transport: 'udp', host: '127.0.0.1', port: peer.port })
  })

  test('without rport it goes to the port of the Via, at the address the request came from', async () => {
    const { peer, port } = await world()
    const other = await peerOf(port)
    peer.send(text({ via: `SIP/2.0/UDP phone.example:${other.port}` }))
    expect((await other.response()).headers.get('via')).toBe(`SIP/2.0/UDP phone.example:${other.port};branch=z9hG4bK1;received=127.0.0.1`)
    expect(peer.all).toEqual([])
  })

  test('a Via that tells the truth is left as it is', async () => {
    const { peer } = await world()
    const via = `SIP/2.0/UDP 127.0.0.1:${peer.port}`
    peer.send(text({ via }))
    expect((await peer.response()).headers.get('via')).toBe(`${via};branch=z9hG4bK1`)
  })

  test('a received that the sender made up is replaced', async () => {
    const { peer } = await world()
    peer.send(text({ via: 'SIP/2.0/UDP 192.0.2.99;received=203.0.113.1;rport=99' }))
    expect((await peer.response()).headers.get('via')).toBe(`SIP/2.0/UDP 192.0.2.99;rport=${peer.port};branch=z9hG4bK1;received=127.0.0.1`)
  })

  test('maddr names another host, but no crowd', async () => {
    const { peer, port } = await world()
    const other = await peerOf(port)
    peer.send(text({ via: `SIP/2.0/UDP 192.0.2.99:${other.port};maddr=127.0.0.1` }))
    expect((await other.response()).status).toBe(200)
    for (const maddr of ['224.0.1.75', '255.255.255.255', 'h.example', 'ff02::1', '0.0.0.0']) {
      peer.send(text({ via: `SIP/2.0/UDP 192.0.2.99;rport;maddr=${maddr}`, branch: `z9hG4bK${maddr.length}` }))
      expect((await peer.response()).status).toBe(200)
    }
  })

  test('of several Vias in one line, the first one counts and all come back', async () => {
    const { peer } = await world()
    peer.send(
      text({ branch: '', via: 'SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKa;rport, SIP/2.0/TCP "odd, but;legal".example;branch=z9hG4bKb' }),
    )
    expect((await peer.response()).headers.all('via')).toEqual([
      `SIP/2.0/UDP 192.0.2.99;branch=z9hG4bKa;rport=${peer.port};received=127.0.0.1, SIP/2.0/TCP "odd, but;legal".example;branch=z9hG4bKb`,
    ])
  })

  test('a request of ours to who wrote first leaves from the socket he wrote to', async () => {
    const { stack, peer, got } = await world()
    peer.send(text())
    await peer.response()
    const { from } = got[0] ?? {}
    if (!from) throw new Error('nothing came')
    const sent = stack.send(message('hello'), from)
    const request = await peer.request()
    const via = `Via: ${request.headers.get('via')}`
    expect(via).toContain('rport')
    peer.send(answerTo(request, 200))
    expect((await sent).status).toBe(200)
  })
})

function answerTo(request: SipRequest, status: number, change: (field: string) => string = (field) => field): string {
  const fields = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => change(`${name}: ${request.headers.get(name)}`))
  return `SIP/2.0 ${status} X\r\n${fields.join('\r\n')}\r\n\r\n`
}

describe('a request that comes again', () => {
  test('is served once and answered each time with the same bytes', async () => {
    const { peer, got } = await world()
    for (let n = 0; n < 3; n++) peer.send(text())
    const answers = [await peer.response(), await peer.response(), await peer.response()]
    expect(got).toHaveLength(1)
    expect(new Set(answers.map((one) => one.headers.get('to'))).size).toBe(1)
  })

  test('while it is being served is not answered before the answer is there', async () => {
    const answer = new Promised<SipResponse>()
    const { peer, got } = await world(({ request }) => (request.method === 'MESSAGE' ? answer.promise : response(200)))
    peer.send(text())
    peer.send(text())
    await settled(peer)
    expect(got.filter(({ request }) => request.method === 'MESSAGE')).toHaveLength(1)
    expect(peer.all.map((one) => one.headers.get('call-id'))).toEqual(['settled'])
    answer.resolve(response(486))
    expect((await peer.response()).status).toBe(486)
    await settled(peer)
    expect(peer.all).toHaveLength(3)
  })

  test('is another one with another branch, sent-by or method', async () => {
    const { peer, got } = await world()
    for (const parts of [{}, { branch: 'z9hG4bK2' }, { via: 'SIP/2.0/UDP 192.0.2.98;rport' }, { method: 'INFO' }]) {
      peer.send(text(parts))
      await peer.response()
    }
    expect(got).toHaveLength(4)
  })

  test('without cookie in its branch is known by From-tag, Call-ID and CSeq, as in RFC 2543', async () => {
    const { peer, got } = await world()
    for (const parts of [{}, {}, { callId: '2' }, { callId: '2' }]) {
      peer.send(text({ branch: 'old', ...parts }))
      await peer.response()
    }
    for (const parts of [{ callId: '3' }, { callId: '3' }, { callId: '4' }]) {
      peer.send(text({ branch: 'z9hG4bK', ...parts }))
      await peer.response()
    }
    expect(got.map(({ request }) => request.headers.get('call-id'))).toEqual(['1', '2', '3', '4'])
  })
})

describe('what is wrong is said, and served to nobody', () => {
  for (const [why, bytes] of [
    ['Malformed Via: a parameter has no name', text().replace('rport', 'rport;;')],
    ['Malformed Via: its port is no port', text({ via: 'SIP/2.0/UDP 192.0.2.99:99999;rport' })],
    ['Missing From', text().replace(/From.*\r\n/, '')],
    ['Malformed From: the display name needs quotes', text().replace('From: ', 'From: a, b ')],
    ['More than one From', text({ more: ['f: <sip:c@h.example>'] })],
    ['Missing To', text().replace(/To.*\r\n/, '')],
    ['Missing Call-ID', text().replace(/Call-ID.*\r\n/, '')],
    ['Malformed Call-ID', text({ callId: 'a b' })],
    ['Missing CSeq', text().replace(/CSeq.*\r\n/, '')],
    ['Malformed CSeq: it is not a number and a method', text().replace('CSeq: 1 ', 'CSeq: one ')],
    ['CSeq names another method', text().replace('CSeq: 1 MESSAGE', 'CSeq: 1 INFO')],
    ['Malformed Max-Forwards', text({ more: ['Max-Forwards: 300'] })],
    ['More than one Max-Forwards', text({ more: ['Max-Forwards: 3', 'Max-Forwards: 3'] })],
    ['Malformed Content-Length', text({ more: ['Content-Length: -999'] })],
    ['Content-Length is larger than the datagram', text({ more: ['Content-Length: 9'] })],
    ['Header fields in the Request-URI', text().replace('sip:b@h.example SIP', 'sip:b@h.example?Route=x SIP')],
    ['Malformed Request-URI', text().replace('sip:b@h.example SIP', '<sip:b@h.example> SIP')],
    ['LF without CR in the header', text({ more: ['Subject: a\nX: b'] })],
  ] as const) {
    test(`400 ${why}`, async () => {
      const { peer, got } = await world()
      peer.send(bytes)
      const answer = await peer.response()
      expect([answer.status, answer.reason]).toEqual([400, why])
      expect(got).toEqual([])
    })
  }

  test('505 for another version of SIP', async () => {
    const { peer } = await world()
    peer.send(text().replaceAll('SIP/2.0', 'SIP/7.0'))
    expect((await peer.response()).status).toBe(505)
  })

  test('the same broken request gets the same answer, its tag included, and nothing is kept of it', async () => {
    const { stack, peer } = await world()
    for (let n = 0; n < 2; n++) peer.send(text().replace('CSeq: 1 MESSAGE', 'CSeq: 1 INFO'))
    const [first, second] = [await peer.response(), await peer.response()]
    expect(tagOf(first.headers.get('to') ?? '')).toBe(tagOf(second.headers.get('to') ?? ''))
    expect(stack.load).toEqual({ serving: 0, waiting: 0, retained: 0, ringing: 0, invites: 0, watched: 0 })
  })

  test('noise, keep-alives, ACKs and responses to nothing are not answered', async () => {
    const { peer, got } = await world()
    const silentOnes = ['', '\r\n\r\n', '\0', 'noise', 'GET / HTTP/1.1\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n', text({ method: 'ACK' })]
    for (const one of silentOnes) peer.send(one)
    peer.send(text({ method: 'ACK' }).replace('Call-ID: 1', 'Call-ID: a b'))
    peer.send(text().replace(/Via.*\r\n/, ''))
    peer.send(answerTo(message('nobody asked'), 200))
    await settled(peer)
    expect(got.map(({ request }) => request.method)).toEqual(['OPTIONS'])
    expect(peer.all).toHaveLength(1)
    expect(peer.others).toEqual([])
  })
})

describe('a response to a request of ours', () => {
  /** A request on its way, and a peer that has it. */
  async function asked(stack: SipStack, peer: UdpPeer) {
    const sent = stack.send(message('hello'), { transport: 'udp', host: '127.0.0.1', port: peer.port })
    return { sent, request: await peer.request() }
  }

  test('with another branch or method is none', async () => {
    const { stack, peer } = await world()
    const { sent, request } = await asked(stack, peer)
    peer.send(answerTo(request, 404, (field) => field.replace(/branch=[^;]*/, 'branch=z9hG4bKguess')))
    peer.send(answerTo(request, 404, (field) => field.replace('CSeq: 1 MESSAGE', 'CSeq: 1 INFO')))
    peer.send(answerTo(request, 404, (field) => field.replace('CSeq: 1 ', 'CSeq: 36893488147419103232 ')))
    peer.send(answerTo(request, 404, (field) => field.replace('SIP/2.0/UDP', 'SIP/2.0')))
    peer.send(answerTo(request, 202))
    expect((await sent).status).toBe(202)
  })

  test('that is provisional keeps it waiting', async () => {
    const { stack, peer } = await world()
    const { sent, request } = await asked(stack, peer)
    peer.send(answerTo(request, 100))
    peer.send(answerTo(request, 180))
    peer.send(answerTo(request, 480))
    expect((await sent).status).toBe(480)
  })
})

test('too much at once is refused with a time to come back', async () => {
  const stack = embeddedStack({ listeners: [{ transport: 'udp', port: 0, address: '127.0.0.1' }], limits: { servedAtOnceMax: 1 } }, silent)
  const first = new Promised<SipResponse>()
  const [listening] = await stack.start(() => first.promise)
  running.push({ stop: () => stack.stop(0) })
  const peer = await peerOf(listening?.port ?? 0)
  peer.send(text())
  peer.send(text({ branch: 'z9hG4bK2', callId: '2' }))
  const refused = await peer.response()
  expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('call-id')]).toEqual([503, '5', '2'])
  first.resolve(response(200))
  expect((await peer.response()).headers.get('call-id')).toBe('1')
})

test('two listeners on one port: the second is refused, and says which', async () => {
  const { port } = await world()
  const listener = { transport: 'udp', port, address: '127.0.0.1' } as const
  const other = embeddedStack({ listeners: [listener] }, silent)
  await expect(other.start(() => response(200))).rejects.toThrow(/EADDRINUSE.*127\.0\.0\.1/)
})
