/** RFC 7247 §7: both tables, row by row. `ours` marks where we depart from the RFC, `added` the codes it has no row for. */
import { describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import { PlainAnswer } from '../../src/core/answer.ts'
import { RefusedError } from '../../src/core/port.ts'
import { answerFor, toAnswer } from '../../src/mapping/answer.ts'
import { conditionFor, FROM_SIP, TO_SIP } from '../../src/mapping/error.ts'
import { toReply } from '../../src/mapping/reply.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { CONDITIONS, type Condition, type ErrorType, NS_STANZAS, readError, StanzaError } from '../../src/stanza/error.ts'
import { CORE, making, STRANGER, stanza, xml } from './world.ts'

const toDevice = toSignal(
  stanza("<message from='juliet@example.com/balcony' to='romeo@example.net/orchard'><body>hi</body></message>"),
  making,
)
const toUser = toSignal(stanza("<message from='juliet@example.com/balcony' to='romeo@example.net'><body>hi</body></message>"), making)
const question = stanza(
  "<iq type='get' id='q1' from='juliet@example.com/balcony' to='romeo@example.net/orchard'><query xmlns='jabber:iq:version'/></iq>",
)
const iqToDevice = toSignal(question, making)

/** Table 2 in the order of the RFC: condition, status when one device is meant, status when the whole user is. */
const TABLE_2: readonly (readonly [Condition, number, number])[] = [
  ['bad-request', 400, 400],
  ['conflict', 400, 400],
  ['feature-not-implemented', 405, 501],
  ['forbidden', 403, 603],
  ['gone', 410, 410],
  ['internal-server-error', 500, 500],
  ['item-not-found', 404, 604],
  ['jid-malformed', 400, 400],
  ['not-acceptable', 406, 606],
  ['not-allowed', 403, 403],
  ['not-authorized', 403, 403], // ours: RFC 401, but there is no challenge to send
  ['policy-violation', 403, 403],
  ['recipient-unavailable', 480, 600],
  ['redirect', 302, 302],
  ['registration-required', 403, 403], // ours: RFC 407, but there is no challenge to send
  ['remote-server-not-found', 404, 404],
  ['remote-server-timeout', 408, 408],
  ['resource-constraint', 500, 500],
  ['service-unavailable', 480, 480],
  ['subscription-required', 400, 400],
  ['undefined-condition', 400, 400],
  ['unexpected-request', 491, 491],
]

describe('an XMPP error reaches SIP as the status of Table 2', () => {
  test('the table has every condition', () => {
    expect(Object.keys(TO_SIP)).toEqual(TABLE_2.map(([condition]) => condition))
    expect(TABLE_2.map(([condition]) => condition).toSorted()).toEqual(Object.keys(CONDITIONS).toSorted())
  })
  for (const [condition, full, bare] of TABLE_2) {
    const error = new StanzaError(CONDITIONS[condition], condition)
    test(`${condition} about a device is ${full}`, () => expect(answerFor(error, toDevice).status).toBe(full))
    test(`${condition} about a user is ${bare}`, () => expect(answerFor(error, toUser).status).toBe(bare))
  }
})

describe('the notes under Table 2', () => {
  test('gone with a new address is 301, and Contact has it', () => {
    const answer = answerFor(new StanzaError('cancel', 'gone', undefined, 'xmpp:romeo@mantua.example'), toUser)
    expect([answer.status, answer.header('Contact')]).toEqual([301, '<sip:romeo@mantua.example>'])
  })
  test('gone with an address SIP cannot read is 410: a 301 without a Contact leads nowhere', () => {
    const answer = answerFor(new StanzaError('cancel', 'gone', undefined, 'https://example.org/'), toUser)
    expect([answer.status, answer.header('Contact')]).toEqual([410, undefined])
  })
  test('redirect says where to in Contact', () => {
    const answer = answerFor(new StanzaError('modify', 'redirect', undefined, 'xmpp:m%5C26m@mantua.example/phone?message'), toUser)
    expect([answer.status, answer.header('Contact')]).toEqual([302, '<sip:m&m@mantua.example;gr=phone>'])
  })
  test('service-unavailable about an iq is 405, and Allow says what would do', () => {
    const answer = answerFor(new StanzaError('cancel', 'service-unavailable'), iqToDevice)
    expect([answer.status, answer.header('Allow')]).toEqual([405, 'MESSAGE, OPTIONS'])
  })
  test('no error ever becomes 503, which would close the whole server to the sender', () => {
    for (const [condition] of TABLE_2) {
      for (const type of ['auth', 'cancel', 'modify', 'wait'] as const) {
        for (const signal of [toDevice, toUser, iqToDevice]) {
          expect(answerFor(new StanzaError(type, condition), signal).status).not.toBe(503)
        }
      }
    }
  })
  test('undefined-condition that may pass is 480', () => {
    expect(answerFor(new StanzaError('wait', 'undefined-condition'), toUser).status).toBe(480)
  })
  test('unexpected-request that will not pass is 400', () => {
    expect(answerFor(new StanzaError('modify', 'unexpected-request'), toUser).status).toBe(400)
  })
  test('resource-constraint says when to try again', () => {
    expect(answerFor(new StanzaError('wait', 'resource-constraint'), toUser).header('Retry-After')).toBe('30')
  })
})

/** Table 3 in the order of the RFC, and the codes it lacks. */
const TABLE_3: readonly (readonly [number, ErrorType, Condition])[] = [
  [399, 'modify', 'redirect'], // 3xx
  [300, 'modify', 'redirect'],
  [301, 'cancel', 'gone'],
  [302, 'modify', 'redirect'],
  [305, 'modify', 'redirect'],
  [380, 'modify', 'not-acceptable'],
  [499, 'modify', 'bad-request'], // 4xx
  [400, 'modify', 'bad-request'],
  [401, 'auth', 'not-authorized'],
  [402, 'modify', 'bad-request'],
  [403, 'auth', 'forbidden'],
  [404, 'cancel', 'item-not-found'],
  [405, 'cancel', 'feature-not-implemented'],
  [406, 'modify', 'not-acceptable'],
  [407, 'auth', 'registration-required'],
  [408, 'wait', 'remote-server-timeout'],
  [410, 'cancel', 'gone'],
  [412, 'wait', 'unexpected-request'], // added
  [413, 'modify', 'policy-violation'],
  [414, 'modify', 'policy-violation'],
  [415, 'modify', 'not-acceptable'],
  [416, 'modify', 'not-acceptable'],
  [420, 'cancel', 'feature-not-implemented'],
  [421, 'modify', 'not-acceptable'],
  [422, 'wait', 'resource-constraint'], // added
  [423, 'wait', 'resource-constraint'],
  [424, 'modify', 'not-acceptable'], // added
  [428, 'auth', 'not-authorized'], // added
  [429, 'modify', 'policy-violation'], // added
  [430, 'wait', 'recipient-unavailable'],
  [433, 'modify', 'policy-violation'], // added
  [436, 'auth', 'not-authorized'], // added
  [437, 'auth', 'not-authorized'], // added
  [438, 'auth', 'not-authorized'], // added
  [439, 'cancel', 'feature-not-implemented'],
  [440, 'modify', 'policy-violation'],
  [469, 'cancel', 'feature-not-implemented'], // added
  [470, 'auth', 'forbidden'], // added
  [480, 'wait', 'recipient-unavailable'],
  [481, 'cancel', 'item-not-found'],
  [482, 'modify', 'not-acceptable'],
  [483, 'modify', 'not-acceptable'],
  [484, 'cancel', 'item-not-found'],
  [485, 'cancel', 'item-not-found'],
  [486, 'wait', 'recipient-unavailable'],
  [487, 'wait', 'recipient-unavailable'],
  [488, 'modify', 'not-acceptable'],
  [489, 'modify', 'policy-violation'],
  [491, 'wait', 'unexpected-request'],
  [493, 'modify', 'bad-request'],
  [494, 'auth', 'not-authorized'], // added
  [599, 'cancel', 'internal-server-error'], // 5xx
  [500, 'cancel', 'internal-server-error'],
  [501, 'cancel', 'feature-not-implemented'],
  [502, 'cancel', 'remote-server-not-found'],
  [503, 'wait', 'internal-server-error'],
  [504, 'wait', 'remote-server-timeout'],
  [505, 'modify', 'not-acceptable'],
  [513, 'modify', 'policy-violation'],
  [555, 'cancel', 'service-unavailable'], // added
  [580, 'cancel', 'not-acceptable'], // added
  [699, 'cancel', 'recipient-unavailable'], // 6xx
  [600, 'wait', 'recipient-unavailable'],
  [603, 'cancel', 'recipient-unavailable'],
  [604, 'cancel', 'item-not-found'],
  [606, 'modify', 'not-acceptable'],
  [607, 'cancel', 'policy-violation'], // added
  [608, 'cancel', 'policy-violation'], // added
]

const hello = stanza("<message id='m1' from='juliet@example.com/balcony' to='romeo@example.net'><body>hi</body></message>")

describe('a SIP status reaches the XMPP sender as the condition of Table 3', () => {
  test('no row of the code is untested', () => {
    const tested = new Set(TABLE_3.map(([status]) => status))
    expect(Object.keys(FROM_SIP).filter((status) => !tested.has(Number(status)))).toEqual([])
  })
  for (const [status, type, condition] of TABLE_3) {
    test(`${status} is ${condition}, ${type}`, () => {
      const reply = toReply(hello, new PlainAnswer(status, 'Because'))
      const error = reply?.child('error')
      expect(error?.attr('type')).toBe(type)
      expect(error?.child(condition, NS_STANZAS)).toBeDefined()
      expect(error?.child('text', NS_STANZAS)?.text()).toBe('Because')
    })
  }
})

describe('the notes under Table 3', () => {
  const addressIn = (answer: PlainAnswer) => readError(toReply(hello, answer)?.child('error') ?? xml('<error/>')).address
  test('301 gives the new address', () => {
    expect(addressIn(new PlainAnswer(301, 'Moved', [['Contact', '"Romeo" <sip:romeo@mantua.example;gr=o%2Frchard>;q=1']]))).toBe(
      'xmpp:romeo@mantua.example/o%2Frchard',
    )
  })
  test('410 gives no address, whatever it says', () => {
    expect(addressIn(new PlainAnswer(410, 'Gone', [['Contact', '<sip:romeo@mantua.example>']]))).toBeUndefined()
  })
  test('302 with an address XMPP cannot name gives none', () => {
    expect(addressIn(new PlainAnswer(302, 'Moved', [['Contact', '<tel:+15551234>']]))).toBeUndefined()
  })
  test('a failure of the server with Retry-After may pass', () => {
    expect(conditionFor(500, undefined, true)).toEqual({ type: 'wait', condition: 'internal-server-error' })
    expect(conditionFor(404, undefined, true)).toEqual({ type: 'cancel', condition: 'item-not-found' })
  })
  test('no response in time is remote-server-timeout', () => {
    const reply = toReply(hello, new PlainAnswer(408, 'The telephone does not answer', [], 'timeout'))
    expect(readError(reply?.child('error') ?? xml('<error/>'))).toMatchObject({ type: 'wait', condition: 'remote-server-timeout' })
  })
  test('nothing could be sent is remote-server-not-found', () => {
    const reply = toReply(hello, new PlainAnswer(503, 'The telephone cannot be reached', [], 'transport'))
    expect(readError(reply?.child('error') ?? xml('<error/>'))).toMatchObject({ type: 'cancel', condition: 'remote-server-not-found' })
  })
})

describe('the words beside an error', () => {
  test('the text of a stanza error is the Reason-Phrase, on one line', () => {
    const answer = answerFor(new StanzaError('cancel', 'not-allowed', 'Not\r\nVia: evil\0 today'), toUser)
    expect(answer.reason).toBe('Not Via: evil today')
    expect(answer.responseFor(CORE).reason).toBe('Not Via: evil today')
  })
  test('a text of many lines is shortened at a whole character', () => {
    const answer = answerFor(new StanzaError('cancel', 'not-allowed', `${'x'.repeat(254)}😀😀😀`), toUser)
    expect(answer.reason).toBe(`${'x'.repeat(254)}…`)
  })
  test('without a text the status has its usual phrase', () => {
    expect(answerFor(new StanzaError('cancel', 'item-not-found'), toDevice).reason).toBe('Not Found')
  })
  test('a Reason-Phrase with what XML cannot hold is shown without it', () => {
    const text = toReply(hello, new PlainAnswer(404, 'No\u0001body'))?.child('error')?.child('text', NS_STANZAS)?.text()
    expect(text).toBe('No body')
  })
})

describe('an error keeps what SIP cannot say', () => {
  const literal = stanza(
    "<iq type='error' id='q1' from='romeo@example.net/orchard' to='juliet@example.com/balcony'><error type='modify' by='example.net'>" +
      "<not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><out-of-cheese xmlns='urn:cheese'/></error></iq>",
  )
  test('beside the response, inside the house', () => {
    const answer = toAnswer(literal, iqToDevice)
    expect(answer.status).toBe(406)
    const reply = toReply(question, answer)
    expect(reply?.child('error')).toBe(literal.xml.child('error'))
    expect(reply?.attr('id')).toBe('q1')
  })
  test('in P-XMPP-Data of the response, towards those who may see it', () => {
    const answer = toAnswer(literal, iqToDevice)
    expect(answer.responseFor(CORE).headers.get('P-XMPP-Data')).toMatch(/^<error type='modify' by='example.net'>.*urn:cheese/)
    expect(answer.responseFor(STRANGER).headers.list).toEqual([])
  })
  test('an error without a reason is still one', () => {
    const bare = stanza("<iq type='error' id='q1' from='romeo@example.net/orchard' to='juliet@example.com/balcony'/>")
    expect(toAnswer(bare, iqToDevice).status).toBe(400)
  })
})

describe('our own refusals', () => {
  test('a RefusedError is the response it names', () => {
    const answer = answerFor(new RefusedError(415, 'Unsupported', [['Accept', 'text/plain']]), toUser)
    expect([answer.status, answer.reason, answer.header('accept')]).toEqual([415, 'Unsupported', 'text/plain'])
  })
  test('a name nobody has is 404 to a telephone and service-unavailable to a client', () => {
    const answer = answerFor(new StanzaError('cancel', 'service-unavailable', 'There is no such address here'), toUser, 404)
    expect(answer.status).toBe(404)
    expect(readError(toReply(hello, answer)?.child('error') ?? xml('<error/>')).condition).toBe('service-unavailable')
  })
  test('our own mistake is 500 and says nothing of itself', () => {
    const answer = answerFor(new TypeError('undefined is not a function'), toUser)
    expect([answer.status, answer.reason]).toEqual([500, 'Server Internal Error'])
  })
})

describe('who is told nothing', () => {
  test('the sender of a message that arrived', () => expect(toReply(hello, new PlainAnswer(200, 'OK'))).toBeUndefined())
  test('the sender of a message that was stored', () => expect(toReply(hello, new PlainAnswer(202, 'Accepted'))).toBeUndefined())
  test('the sender of an error, whatever became of it', () => {
    const error = stanza("<message type='error' from='juliet@example.com/balcony' to='romeo@example.net'><error type='wait'/></message>")
    expect(toReply(error, new PlainAnswer(404, 'Not Found'))).toBeUndefined()
  })
  test('who answered an iq', () => {
    const result = stanza("<iq type='result' id='1' from='juliet@example.com/balcony' to='romeo@example.net'/>")
    expect(toReply(result, new PlainAnswer(500, 'No'))).toBeUndefined()
  })
  test('the sender of a chat state that a telephone cannot show', () => {
    const composing = stanza(
      "<message type='chat' from='juliet@example.com/balcony' to='romeo@example.net'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
    )
    expect(toReply(composing, new PlainAnswer(415, 'Unsupported Media Type'))).toBeUndefined()
    expect(toReply(hello, new PlainAnswer(415, 'Unsupported Media Type'))).toBeDefined()
  })
})

test('the addresses of a reply are those of the request, the other way round', () => {
  const reply = toReply(hello, new PlainAnswer(480, 'Gone fishing'))
  expect([reply?.attr('from'), reply?.attr('to'), reply?.attr('id'), reply?.attr('type')]).toEqual([
    'romeo@example.net',
    'juliet@example.com/balcony',
    'm1',
    'error',
  ])
  expect(Jid.parse(reply?.attr('to') ?? '').isFull).toBe(true)
  expect(SipUri.parse('sip:romeo@example.net').gr).toBeUndefined()
})
