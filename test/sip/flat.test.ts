import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { SeenRequests } from '../../src/core/merged.ts'
import { parseMessage } from '../../src/sip/codec.ts'
import { keyOf } from '../../src/sip/embedded/transaction-key.ts'
import { topVia } from '../../src/sip/embedded/vitals.ts'
import { flat } from '../../src/sip/flat.ts'
import { SipRequest } from '../../src/sip/message.ts'
import { NonceCounts } from '../../src/sip/nonce-counts.ts'

const MANY = 2_000

function heap(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

/** With 10,000 bytes of a header field nobody asks for. */
function large(n: number): SipRequest {
  const fields = [
    'MESSAGE sip:romeo@xmpp.example SIP/2.0',
    `Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-a-branch-of-some-length-${n}`,
    `X-Large: ${'x'.repeat(10_000)}`,
    'From: <sip:juliet@xmpp.example>;tag=a-tag-of-some-length',
    'To: <sip:romeo@xmpp.example>',
    `Call-ID: a-call-id-of-some-length-${n}@192.0.2.7`,
    'CSeq: 1 MESSAGE',
    `X-Nonce: a-nonce-of-some-length-${n}`,
  ]
  const parsed = parseMessage(Buffer.from(`${fields.join('\r\n')}\r\n\r\n`))
  if (!(parsed instanceof SipRequest)) throw new Error('a response')
  return parsed
}

const seen = new SeenRequests()
const nonces = new NonceCounts(MANY)
const keys = new Map<string, number>()

describe('of a large request that is over', () => {
  test.each<[string, (request: SipRequest, n: number) => unknown]>([
    [
      'a transaction keeps its key alone',
      (request, n) => keys.set(keyOf(request, topVia(request.headers.get('Via') ?? ''), request.method), n),
    ],
    ['what was seen keeps its names alone', (request) => seen.seen(request, 0)],
    ['a nonce keeps its count alone', (request) => nonces.use(request.headers.get('X-Nonce') ?? '', 0, 1)],
  ])('%s', (_what, keep) => {
    const before = heap()
    for (let n = 0; n < MANY; n++) keep(large(n), n)
    expect((heap() - before) / MANY).toBeLessThan(1_000)
  })
})

test('a flat string is the same string', () => {
  for (const text of ['', 'short', 'Καλημέρα, a longer one with 🌹']) expect(flat(`${text} `.slice(0, -1))).toBe(text)
})
