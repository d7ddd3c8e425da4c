/** Damaged SIP: whatever the bytes, the answer is a stanza or a refusal in SIP's own words, in time that grows with their number. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SipUriError } from '../../src/address/sip-uri.ts'
import { WireAnswer } from '../../src/core/answer.ts'
import { RefusedError } from '../../src/core/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { toReply } from '../../src/mapping/reply.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { parseMessage, SipParseError } from '../../src/sip/codec.ts'
import { SipRequest } from '../../src/sip/message.ts'
import { SipSyntaxError } from '../../src/sip/syntax-error.ts'
import { fromRomeo, making, stanza, TRUSTED } from './world.ts'

const FOLDER = new URL('../../sip-fixtures/sip-to-xmpp/', import.meta.url)
const MUTANTS = 60
const asked = stanza("<iq type='get' id='1' from='a@b.example/c' to='d@e.example/f'><query xmlns='jabber:iq:version'/></iq>")

/** What may come out of the doors before ours, and what may come out of this one. */
const isRefusal = (cause: unknown): boolean =>
  [RefusedError, SipParseError, SipUriError, SipSyntaxError].some((kind) => cause instanceof kind)

let state = 20_260_701
function below(limit: number): number {
  state = (state * 48_271) % 2_147_483_647
  return state % limit
}

/** A byte changed, a piece taken out, or a piece said twice. */
function damaged(bytes: Buffer): Buffer {
  const at = below(bytes.length)
  const length = below(20)
  switch (below(3)) {
    case 0: {
      const copy = Buffer.from(bytes)
      copy[at] = below(256)
      return copy
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    default:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)])
  }
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.sip'))) {
  test(`${file}, damaged in ${MUTANTS} ways`, () => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8').replace(/^(?:#.*\n)+/, '')
    const [head = '', ...body] = text.replace(/\nContent-Length:.*/, '').split('\n\n')
    const whole = Buffer.from(`${head.trimEnd().replaceAll('\n', '\r\n')}\r\n\r\n${body.join('\n\n').replaceAll('\n', '\r\n')}`)
    let understood = 0
    for (let i = 0; i < MUTANTS; i++) {
      try {
        const message = parseMessage(damaged(whole))
        if (message instanceof SipRequest) toStanza(WireSignal.of(message, TRUSTED), making)
        else toReply(asked, new WireAnswer(message, true))
        understood++
      } catch (cause) {
        if (!isRefusal(cause)) throw cause
      }
    }
    // Most damage is small, and small damage is survived.
    expect(understood).toBeGreaterThan(0)
  })
}

for (const [what, type, body] of [
  ['boundaries that are none', 'multipart/mixed;boundary=b', '--b'.repeat(80_000)],
  ['delimiters that begin like the boundary', 'multipart/mixed;boundary=b', '\n--bb'.repeat(50_000)],
  ['lines without end', 'message/cpim', `A:${';'.repeat(16_000)}\r\n\r\nContent-Type: text/plain\r\n\r\nx`],
  ['spaces before the end of a line', 'multipart/mixed;boundary=b', `--b${' '.repeat(250_000)}x`],
  [
    'quoted-printable of spaces',
    'multipart/mixed;boundary=b',
    `--b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${' '.repeat(250_000)}x\r\n--b--`,
  ],
  ['backslashes', 'message/cpim', `Subject: ${'\\'.repeat(16_000)}\r\n\r\nContent-Type: text/plain\r\n\r\nx`],
  ['half characters', 'text/plain', '😀'.repeat(60_000)],
] as const) {
  test(`${what} cost no more time than their bytes`, () => {
    const start = performance.now()
    try {
      toStanza(fromRomeo({ 'Content-Type': type }, body), making)
    } catch (cause) {
      expect(cause).toBeInstanceOf(RefusedError)
    }
    expect(performance.now() - start).toBeLessThan(1_000)
  })
}
