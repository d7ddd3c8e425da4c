/** iq as INFO: the question, its answer in the final response, and the answer that comes late in an INFO of its own. */
import { describe, expect, test } from 'vitest'
import { PlainAnswer, WireAnswer } from '../../src/core/answer.ts'
import { type Answer, type HopPolicy, RefusedError } from '../../src/core/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { answerFor, toAnswer } from '../../src/mapping/answer.ts'
import { toReply } from '../../src/mapping/reply.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { parseMessage, print } from '../../src/sip/codec.ts'
import { SipRequest, SipResponse } from '../../src/sip/message.ts'
import { readError, StanzaError } from '../../src/stanza/error.ts'
import { CORE, making, noise, STRANGER, stanza, TRUSTED, xml } from './world.ts'

const question = stanza(
  "<iq type='get' id='v1' from='juliet@example.com/balcony' to='romeo@example.net/orchard'><query xmlns='jabber:iq:version'/></iq>",
)
const asked = toSignal(question, making)
const result = stanza(
  "<iq type='result' id='v1' from='romeo@example.net/orchard' to='juliet@example.com/balcony'><query xmlns='jabber:iq:version'><name>Ψ</name></query></iq>",
)
const huge = stanza(
  `<iq type='result' id='v1' from='romeo@example.net/orchard' to='juliet@example.com/balcony'><x xmlns='urn:x'>${noise(7_000)}</x></iq>`,
)

/** An answer as the next hop reads it. */
function overTheWire(answer: Answer, hop: HopPolicy = CORE, trusted = true): WireAnswer {
  const read = parseMessage(print(answer.responseFor(hop)))
  if (!(read instanceof SipResponse)) throw new Error('not a response')
  return new WireAnswer(read, trusted)
}

test('the question crosses a wire whole', () => {
  const request = parseMessage(print(asked.requestFor(CORE)))
  if (!(request instanceof SipRequest)) throw new Error('not a request')
  expect([request.method, request.uri, request.body.length]).toEqual(['INFO', 'sip:romeo@example.net;gr=orchard', 0])
  const there = toStanza(WireSignal.of(request, TRUSTED), making)
  expect(there.xml.children).toEqual(question.xml.children)
  expect([there.id, there.type, there.from.toString(), there.to.toString()]).toEqual([
    'v1',
    'get',
    'juliet@example.com/balcony',
    'romeo@example.net/orchard',
  ])
})

describe('its answer comes back in the final response', () => {
  test('inside the house', () => expect(toReply(question, toAnswer(result, asked))?.children).toBe(result.xml.children))
  test('over a wire', () => {
    const answer = overTheWire(toAnswer(result, asked))
    expect(answer.status).toBe(200)
    expect(toReply(question, answer)?.children).toEqual(result.xml.children)
  })
  test('where it is too large for a header, in the body', () => {
    const answer = overTheWire(toAnswer(huge, asked), { ...CORE, xmppDataHeaderBytes: 300 })
    expect(answer.header('P-XMPP-Data')).toMatch(/^cid:/)
    expect(toReply(question, answer)?.children).toEqual(huge.xml.children)
  })
  test('where it is too large for the way, as the reason why nothing comes', () => {
    const answer = overTheWire(toAnswer(huge, asked), { ...CORE, maxMessageBytes: 1_300 })
    expect(answer.status).toBe(513)
    const error = readError(toReply(question, answer)?.child('error') ?? xml('<error/>'))
    expect([error.condition, error.text]).toEqual(['policy-violation', 'The answer is larger than this way carries'])
  })
  test('it answers this question, whatever it says of itself', () => {
    const forged = stanza(
      "<iq type='result' id='other' from='evil@example.org/x' to='nurse@example.com/y'><query xmlns='jabber:iq:version'/></iq>",
    )
    const reply = toReply(question, toAnswer(forged, asked))
    expect([reply?.attr('id'), reply?.attr('from'), reply?.attr('to')]).toEqual([
      'v1',
      'romeo@example.net/orchard',
      'juliet@example.com/balcony',
    ])
  })
  test('an error comes with all it says', () => {
    const refused = stanza(
      "<iq type='error' id='v1' from='romeo@example.net/orchard' to='juliet@example.com/balcony'><error type='cancel'>" +
        "<feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><x xmlns='urn:x'/></error></iq>",
    )
    const answer = overTheWire(toAnswer(refused, asked))
    expect([answer.status, answer.header('Allow')]).toEqual([405, 'MESSAGE, OPTIONS'])
    const reply = toReply(question, answer)
    expect([reply?.attr('type'), reply?.attr('id')]).toEqual(['error', 'v1'])
    expect(reply?.child('error')).toEqual(refused.xml.child('error'))
  })
  test('a refusal of our own too', () => {
    const answer = overTheWire(answerFor(new StanzaError('wait', 'resource-constraint', 'Too many requests'), asked))
    expect([answer.status, answer.reason, answer.header('Retry-After')]).toEqual([500, 'Too many requests', '30'])
    expect(readError(toReply(question, answer)?.child('error') ?? xml('<error/>'))).toMatchObject({
      type: 'wait',
      condition: 'resource-constraint',
    })
  })
})

describe('what is no answer', () => {
  test('202: it follows in an INFO of its own', () => expect(toReply(question, new PlainAnswer(202, 'Accepted'))).toBeUndefined())
  test('200 without an iq, as telephones send it', () => expect(toReply(question, new PlainAnswer(200, 'OK'))).toBeUndefined())
  test('an answer nobody may believe', () => {
    expect(toReply(question, overTheWire(toAnswer(result, asked), CORE, false))).toBeUndefined()
  })
  test('an answer that was kept from strangers', () => {
    expect(overTheWire(toAnswer(result, asked), STRANGER).header('P-XMPP-Data')).toBeUndefined()
  })
  test('an answer that cannot be read is an error to the asker', () => {
    const broken = new WireAnswer(new SipResponse(200, 'OK', asked.requestFor(CORE).headers.copy(), Buffer.alloc(0)), true)
    broken.received.headers.set('P-XMPP-Data', '<iq')
    expect(readError(toReply(question, broken)?.child('error') ?? xml('<error/>')).condition).toBe('internal-server-error')
  })
  test('an error whose P-XMPP-Data cannot be read still has its status', () => {
    const broken = new WireAnswer(new SipResponse(404, 'Not Found', asked.requestFor(CORE).headers.copy(), Buffer.alloc(0)), true)
    broken.received.headers.set('P-XMPP-Data', '<iq')
    expect(readError(toReply(question, broken)?.child('error') ?? xml('<error/>')).condition).toBe('item-not-found')
  })
})

test('an answer that took its time crosses in an INFO of its own, under the same id', () => {
  const late = toSignal(result, making)
  const request = late.requestFor(CORE)
  expect([request.method, request.uri]).toEqual(['INFO', 'sip:juliet@example.com;gr=balcony'])
  const there = toStanza(WireSignal.of(request, TRUSTED), making)
  expect([there.id, there.type, there.from.toString()]).toEqual(['v1', 'result', 'romeo@example.net/orchard'])
})

test('a question that could not be sent is an error to the asker', () => {
  const refusal = new RefusedError(405, 'Only messages go this way', [['Allow', 'MESSAGE']])
  const error = readError(toReply(question, answerFor(refusal, asked))?.child('error') ?? xml('<error/>'))
  expect([error.condition, error.text]).toEqual(['feature-not-implemented', 'Only messages go this way'])
})
