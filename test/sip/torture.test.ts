/** The messages of RFC 4475, given to a stack behind which a small registrar and telephone answers. */
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { parseContacts } from '../../src/sip/contact.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { response, type SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import type { Received, SipStack } from '../../src/sip/port.ts'
import { SipSyntaxError } from '../../src/sip/syntax-error.ts'
import { MemoryPeer, TcpPeer } from '../support/raw-sip.ts'

interface Expected {
  readonly name: string
  readonly section: string
  readonly title: string
  readonly kind: 'request' | 'response'
  readonly ok: readonly (number | string)[]
}

const FOLDER = new URL('../../sip-fixtures/torture/', import.meta.url)
const expected: readonly Expected[] = JSON.parse(readFileSync(new URL('expected.json', FOLDER), 'utf8'))
const DATAGRAM_ONLY = new Set(['dblreq', 'inv2543'])
const SERVED = new Set(['REGISTER', 'MESSAGE', 'OPTIONS', 'INVITE', 'INFO'])
const KNOWN = new Set([...SERVED, 'BYE', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'REFER', 'UPDATE', 'PRACK'])

/** A registrar and a telephone in one, as small as the messages allow. */
function serve({ request }: Received): SipResponse {
  const { method, headers } = request
  if (!KNOWN.has(method)) return response(501)
  if (!SERVED.has(method)) return response(481)
  const unsupported = headers.values('Require')
  if (unsupported.length > 0) return response(420, undefined, [['Unsupported', unsupported.join(', ')]])
  if (method === 'INVITE') return answerCall(request)
  if (method !== 'REGISTER') return response(200)
  if (!parseNameAddr(headers.get('to') ?? '').uri.startsWith('sip:')) return response(400, 'To is no address of SIP')
  try {
    const contacts = parseContacts(headers)
    return response(200, undefined, contacts === '*' ? [] : contacts.map((one) => ['Contact', `<${one.uri}>`]))
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return response(400, `Malformed Contact: ${cause.message}`)
    throw cause
  }
}

function answerCall({ headers, body }: SipRequest): SipResponse {
  const type = headers.get('content-type') ?? ''
  if (body.length > 0 && !type.startsWith('application/sdp')) return response(415, undefined, [['Accept', 'application/sdp']])
  const accept = headers.values('accept')
  if (accept.length > 0 && !accept.includes('application/sdp'))
    return response(406, undefined, [['Warning', '399 h.example "no SDP accepted"']])
  return response(480)
}

function messageOf(name: string): Buffer {
  return readFileSync(new URL(`${name}.dat`, FOLDER))
}

type Outcome = number | 'none' | 'close'

/** Whether that outcome is among those the RFC allows. */
function isAllowed(outcome: Outcome, ok: readonly (number | string)[]): boolean {
  return ok.some((one) => {
    if (typeof one === 'number') return outcome === one
    if (one === 'well-formed' || one === 'liberal') return typeof outcome === 'number' && outcome !== 400 && outcome !== 500
    if (one === 'error') return typeof outcome === 'number' && outcome >= 400
    if (one === 'stream:close' || one === 'stream:wait') return outcome === 'close'
    return outcome === one
  })
}

const running: SipStack[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((stack) => stack.stop(0)))
})

const PROBE = Buffer.from(
  [
    'OPTIONS sip:h.example SIP/2.0',
    'Via: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bKprobe',
    'Max-Forwards: 70',
    'From: <sip:probe@h.example>;tag=1',
    'To: <sip:h.example>',
    'Call-ID: probe',
    'CSeq: 1 OPTIONS',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n'),
)

/** The final response before that to a request which is certainly answered. */
async function outcomeOf(next: () => Promise<SipResponse>): Promise<{ outcome: Outcome; answer?: SipResponse }> {
  for (;;) {
    const answer = await next()
    if (answer.headers.get('call-id') === 'probe') return { outcome: 'none' }
    if (answer.status >= 200) return { outcome: answer.status, answer }
  }
}

/** As one datagram. The peer has the ports that the Vias name. */
async function byDatagram(bytes: Buffer, host = '192.0.2.7') {
  const network = new MemoryNetwork()
  const stack = network.join({ host: '192.0.2.1' })
  running.push(stack)
  await stack.start(serve)
  const peers = [5060, 5050, 5070].map((port) => new MemoryPeer(network, host, port))
  const via = /\n(?:via|v)[ \t]*:[^\n]*?:(50[0-9]0)\b/i.exec(bytes.toString('latin1'))
  const peer = peers.find((one) => one.port === Number(via?.[1] ?? 5060))
  if (!peer) throw new Error('the Via names another port')
  peer.send(bytes, '192.0.2.1', 5060)
  const probe = peers[0]
  probe?.send(PROBE, '192.0.2.1', 5060)
  const result = await outcomeOf(() => Promise.race(peers.map((one) => one.response())))
  return { ...result, all: peers.flatMap((one) => one.all) }
}

async function byStream(bytes: Buffer): Promise<Outcome> {
  const stack = embeddedStack({ listeners: [{ transport: 'tcp', port: 0, address: '127.0.0.1' }], limits: { messageMs: 50 } }, silent)
  running.push(stack)
  const [listening] = await stack.start(serve)
  const peer = await TcpPeer.to(listening?.port ?? 0)
  await peer.send(bytes)
  // A message that waits for its rest would swallow the probe, which is no rest of it.
  if (isWhole(bytes)) await peer.send(PROBE)
  const closed = peer.closed.then(() => ({ outcome: 'close' as const }))
  const { outcome } = await Promise.race([outcomeOf(() => peer.response()), closed])
  await peer.close()
  return outcome
}

function isWhole(bytes: Buffer): boolean {
  const text = bytes.toString('latin1')
  const end = text.indexOf('\r\n\r\n')
  const length = /^(?:content-length|l)[ \t]*:[ \t]*(\d+)/im.exec(text.slice(0, end))
  return end >= 0 && bytes.length >= end + 4 + Number(length?.[1] ?? 0)
}

describe('each of the 49', () => {
  test('is here', () => expect(expected.map((one) => one.name)).toHaveLength(49))

  for (const { name, section, title, ok } of expected) {
    test(`${name}, ${section} ${title}: as a datagram`, async () => {
      const { outcome } = await byDatagram(messageOf(name))
      expect(isAllowed(outcome, ok), `${outcome} is not in ${ok.join(', ')}`).toBe(true)
    })

    if (DATAGRAM_ONLY.has(name)) continue
    test(`${name}, ${section} ${title}: over a connection`, async () => {
      const outcome = await byStream(messageOf(name))
      expect(isAllowed(outcome, ok), `${outcome} is not in ${ok.join(', ')}`).toBe(true)
    })
  }
})

describe('what the RFC says beside the status', () => {
  test('the octets behind the REGISTER of dblreq are no second request', async () => {
    const { all } = await byDatagram(messageOf('dblreq'))
    expect(all.map((one) => one.headers.get('cseq'))).toEqual(['8 REGISTER', '1 OPTIONS'])
  })

  test('bext01 hears which extensions are not supported', async () => {
    const { answer } = await byDatagram(messageOf('bext01'))
    expect(answer?.headers.get('unsupported')).toBe('nothingSupportsThis, nothingSupportsThisEither')
  })

  test('esc02 has two contacts, not three', async () => {
    const got: SipRequest[] = []
    const network = new MemoryNetwork()
    const stack = network.join({ host: '192.0.2.1' })
    running.push(stack)
    await stack.start(({ request }) => {
      got.push(request)
      return response(501)
    })
    const peer = new MemoryPeer(network, '192.0.2.7', 5060)
    peer.send(messageOf('esc02'), '192.0.2.1', 5060)
    await peer.response()
    expect(got[0]?.method).toBe('RE%47IST%45R')
    expect(got[0]?.headers.values('contact')).toHaveLength(2)
    expect(got[0]?.headers.get('C%6Fntact')).toBeDefined()
  })

  test('escnull registers two contacts with a NUL in each, none cut short', async () => {
    const { answer } = await byDatagram(messageOf('escnull'))
    expect(answer?.headers.all('contact')).toEqual(['<sip:%00@host5.example.com>', '<sip:%00%00@host5.example.com>'])
  })

  test('a parameter of the Contact field does not become one of the URI, and one of the URI stays there', async () => {
    expect((await byDatagram(messageOf('cparam01'))).answer?.headers.all('contact')).toEqual(['<sip:+19725552222@gw1.example.net>'])
    expect((await byDatagram(messageOf('cparam02'))).answer?.headers.all('contact')).toEqual([
      '<sip:+19725552222@gw1.example.net;unknownparam>',
    ])
  })

  test('the header field within the contact of regescrt stays within', async () => {
    const { answer } = await byDatagram(messageOf('regescrt'))
    expect(answer?.headers.all('contact')).toEqual(['<sip:user@example.com?Route=%3Csip:sip.example.com%3E>'])
  })

  test('every 400 names what is wrong', async () => {
    for (const [name, why] of [
      ['badinv01', 'Via'],
      ['clerr', 'Content-Length'],
      ['ncl', 'Content-Length'],
      ['scalar02', 'CSeq'],
      ['quotbal', 'To'],
      ['ltgtruri', 'Request-URI'],
      ['insuf', 'From'],
      ['multi01', 'From'],
      ['mcl01', 'Content-Length'],
      ['mismatch01', 'CSeq'],
      ['regbadct', 'Contact'],
      ['escruri', 'Request-URI'],
    ] as const) {
      const { answer } = await byDatagram(messageOf(name))
      expect([name, answer?.status, answer?.reason]).toEqual([name, 400, expect.stringContaining(why)])
    }
  })
})
