/** A stanza as a signal: what the router asks of it, and the request a hop gets (RFC 7572 §4). */
import { describe, expect, test } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import { type HopPolicy, RefusedError } from '../../src/core/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import type { Making } from '../../src/mapping/making.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { parseMessage, print } from '../../src/sip/codec.ts'
import { SipRequest } from '../../src/sip/message.ts'
import { StanzaError } from '../../src/stanza/error.ts'
import { CORE, making, STRANGER, stanza, TELEPHONE, TRUSTED } from './world.ts'

const art = stanza(
  "<message id='m1' type='chat' from='juliet@example.com/balcony' to='romeo@example.net'><body>Art thou not Romeo?</body></message>",
)
const refusal = (act: () => unknown): RefusedError => {
  try {
    act()
  } catch (cause) {
    if (cause instanceof RefusedError) return cause
    throw cause
  }
  throw new Error('nothing was refused')
}

describe('what the router asks', () => {
  const signal = toSignal(art, making)
  test('a message is a MESSAGE', () => expect(signal.method).toBe('MESSAGE'))
  test('an iq is an INFO', () => {
    expect(
      toSignal(stanza("<iq type='get' id='1' from='a@b.example/c' to='d.example'><ping xmlns='urn:xmpp:ping'/></iq>"), making).method,
    ).toBe('INFO')
  })
  test('it knows its sender, with the device', () => expect(signal.from.toString()).toBe('sip:juliet@example.com;gr=balcony'))
  test('it knows its addressee', () => expect(signal.to.toString()).toBe('sip:romeo@example.net'))
  test('it may take seventy hops', () => expect([signal.maxForwards, signal.header('Max-Forwards')]).toEqual([70, '70']))
  test('it came over a stream', () => expect(signal.arrival).toEqual({ kind: 'stream' }))
  test('inside the house it is the stanza itself', () => expect(toStanza(signal, making)).toBe(art))
  test('addresses the caller has already are used as they are', () => {
    const from = SipUri.parse('sip:juliet@example.com;gr=balcony')
    const to = SipUri.parse('sip:romeo@example.net')
    const other = toSignal(art, making, { from, to, maxForwards: 5, arrival: { kind: 'task' } })
    expect([other.from, other.to, other.maxForwards, other.arrival.kind]).toEqual([from, to, 5, 'task'])
    expect(other.from).toBe(from)
  })
  for (const name of ['From', 'To', 'Call-ID', 'CSeq', 'Subject', 'Content-Language', 'Date']) {
    test(`its ${name} is the one of its request`, () => {
      const rich = stanza(
        "<message xml:lang='en' from='juliet@example.com/balcony' to='romeo@example.net/orchard'><subject>Love</subject><body>hi</body><thread>t1</thread>" +
          "<delay xmlns='urn:xmpp:delay' stamp='2026-01-01T00:00:00Z'/><nick xmlns='http://jabber.org/protocol/nick'>Juliet \"J\"</nick></message>",
      )
      const one = toSignal(rich, making)
      const field = one.header(name)
      expect(field).toBeDefined()
      expect(one.requestFor(CORE).headers.get(name)).toBe(field)
      expect(one.header(name.toUpperCase())).toBe(field)
    })
  }
  test('a field the stanza does not have is absent', () => {
    expect(signal.header('Subject')).toBeUndefined()
    expect(signal.header('Event')).toBeUndefined()
  })
})

describe('on its way to another address', () => {
  const contact = SipUri.parse('sip:romeo@192.0.2.7:5070;transport=tcp')
  const first = toSignal(art, making)
  test('the Request-URI is new, To is what the sender wrote, one hop is gone', () => {
    const request = first.readdressed(contact).requestFor(STRANGER)
    expect(request.uri).toBe('sip:romeo@192.0.2.7:5070;transport=tcp')
    expect(request.headers.get('To')).toBe('<sip:romeo@example.net>')
    expect(request.headers.get('Max-Forwards')).toBe('68')
  })
  test('all its copies are one request: the same Call-ID and tag', () => {
    let count = 0
    const counting: Making = { ...making, tag: () => `tag-${++count}`, callId: () => `call-${++count}` }
    const signal = toSignal(art, counting)
    const copies = [signal.readdressed(contact), signal.readdressed(contact).readdressed(contact), signal]
    expect(new Set(copies.map((copy) => copy.header('Call-ID'))).size).toBe(1)
    expect(new Set(copies.map((copy) => copy.header('From'))).size).toBe(1)
    expect(count).toBe(2)
  })
  test('its stanza is addressed anew, the rest stays', () => {
    const stanzaThere = toStanza(first.readdressed(SipUri.parse('sip:romeo@mantua.example;gr=exile')), making)
    expect(stanzaThere.to.toString()).toBe('romeo@mantua.example/exile')
    expect(stanzaThere.xml.attr('to')).toBe('romeo@mantua.example/exile')
    expect(stanzaThere.xml.children).toBe(art.xml.children)
  })
  test('back at the address it had, it is the same stanza', () => {
    expect(toStanza(first.readdressed(contact).readdressed(SipUri.parse('sip:romeo@example.net')), making)).toBe(art)
  })
  test('two messages of one thread differ in the tag, or a proxy would merge them', () => {
    let count = 0
    const counting: Making = { ...making, tag: () => `tag-${++count}` }
    const threaded = stanza("<message from='a@b.example/c' to='d@e.example'><body>hi</body><thread>t</thread></message>")
    const [one, two] = [toSignal(threaded, counting), toSignal(threaded, counting)]
    expect(one.header('Call-ID')).toBe(two.header('Call-ID'))
    expect(one.header('From')).not.toBe(two.header('From'))
  })
})

describe('what cannot become a signal is refused in the words of XMPP', () => {
  for (const [what, text, condition] of [
    ['an iq without an id', "<iq type='get' from='a@b.example/c' to='d@e.example'><x xmlns='urn:x'/></iq>", 'bad-request'],
    ['an iq without a type', "<iq id='1' from='a@b.example/c' to='d@e.example'><x xmlns='urn:x'/></iq>", 'bad-request'],
    ['a question without a payload', "<iq type='get' id='1' from='a@b.example/c' to='d@e.example'/>", 'bad-request'],
    [
      'a question with two',
      "<iq type='set' id='1' from='a@b.example/c' to='d@e.example'><x xmlns='urn:x'/><y xmlns='urn:x'/></iq>",
      'bad-request',
    ],
  ] as const) {
    test(what, () => {
      expect(() => toSignal(stanza(text), making)).toThrow(StanzaError)
      expect(() => toSignal(stanza(text), making)).toThrow(expect.objectContaining({ condition }))
    })
  }
  test('a result may be empty', () => {
    expect(toSignal(stanza("<iq type='result' id='1' from='a@b.example/c' to='d@e.example/f'/>"), making).method).toBe('INFO')
  })
})

describe('what a hop may not see, or cannot carry', () => {
  const composing = stanza(
    "<message type='chat' from='a@b.example/c' to='d@e.example'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
  )
  const error = stanza(
    "<message type='error' from='a@b.example/c' to='d@e.example'><body>what I wrote</body><error type='wait'/></message>",
  )
  const iq = stanza("<iq type='get' id='1' from='a@b.example/c' to='d@e.example/f'><x xmlns='urn:x'/></iq>")

  for (const [name, hop] of [
    ['a stranger', STRANGER],
    ['a telephone', TELEPHONE],
  ] as const) {
    test(`${name} gets no chat state`, () => expect(refusal(() => toSignal(composing, making).requestFor(hop)).status).toBe(415))
    test(`${name} gets no error, even where it repeats a text`, () =>
      expect(refusal(() => toSignal(error, making).requestFor(hop)).status).toBe(415))
    test(`${name} gets no INFO`, () => {
      const { status, headers } = refusal(() => toSignal(iq, making).requestFor(hop))
      expect([status, headers]).toEqual([405, [['Allow', 'MESSAGE']]])
    })
  }
  test('the core gets all three', () => {
    for (const one of [composing, error, iq]) {
      const request = toSignal(one, making).requestFor(CORE)
      expect(request.headers.get('P-XMPP-Data')).toBeDefined()
      expect(request.headers.get('Contact')).toBeUndefined()
    }
  })
  test('a stranger sees no P-XMPP-Data', () => expect(toSignal(art, making).requestFor(STRANGER).headers.has('P-XMPP-Data')).toBe(false))
  test('a telephone sees the account that wrote, not the device', () => {
    const { headers } = toSignal(art, making).requestFor(TELEPHONE)
    expect(headers.get('From')).toBe('<sip:juliet@example.com>;tag=tag-1')
    expect(headers.get('P-XMPP-Data')).toContain("from='juliet@example.com/balcony'")
  })
})

describe('sizes', () => {
  const long = (characters: number, more = '') =>
    stanza(`<message from='a@b.example/c' to='d@e.example'><body>${'x'.repeat(characters)}</body>${more}</message>`)
  const small: HopPolicy = { ...CORE, maxMessageBytes: 1_300 }

  test('a message that fits goes whole', () => {
    expect(toSignal(long(500), making).requestFor(small).body.length).toBe(500)
  })
  test('P-XMPP-Data is left out before a message is refused', () => {
    const request = toSignal(long(700, `<x xmlns='urn:x'>${'y'.repeat(400)}</x>`), making).requestFor(small)
    expect(request.headers.has('P-XMPP-Data')).toBe(false)
    expect(request.body.toString()).toBe('x'.repeat(700))
  })
  test('what is still too long is refused, with the limit, never cut', () => {
    const { status, reason } = refusal(() => toSignal(long(1_300), making).requestFor(small))
    expect([status, reason]).toEqual([513, 'Message Too Large: not more than 1300 bytes go this way'])
  })
  test('an iq is refused whole', () => {
    const iq = stanza(`<iq type='set' id='1' from='a@b.example/c' to='d@e.example/f'><x xmlns='urn:x'>${'y'.repeat(1_300)}</x></iq>`)
    expect(refusal(() => toSignal(iq, making).requestFor(small)).status).toBe(513)
  })
  test('no request with its Via is longer than its limit', () => {
    const via = `SIP/2.0/UDP [2001:db8::1234:5678:9abc:def0]:50600;rport;branch=z9hG4bK${'0'.repeat(24)}`
    for (let characters = 600; characters < 1_300; characters += 7) {
      try {
        expect(print(toSignal(long(characters), making).requestFor(small), via).length).toBeLessThanOrEqual(1_300)
      } catch (cause) {
        expect(cause).toBeInstanceOf(RefusedError)
      }
    }
  })
  test('bytes count, not characters', () => {
    const greek = stanza(`<message from='a@b.example/c' to='d@e.example'><body>${'Ω'.repeat(600)}</body></message>`)
    expect(refusal(() => toSignal(greek, making).requestFor(small)).status).toBe(513)
  })
})

describe('a subject longer than a header should be', () => {
  const subject = 'Ἔρως '.repeat(200).trim()
  const message = stanza(`<message from='a@b.example/c' to='d@e.example'><subject>${subject}</subject><body>hi</body></message>`)
  test('stays in P-XMPP-Data', () => {
    const request = toSignal(message, making).requestFor(CORE)
    expect(request.headers.has('Subject')).toBe(false)
    expect(toStanza(WireSignal.of(request, TRUSTED), making).xml.child('subject')?.text()).toBe(subject)
  })
  test('goes whole to those who get no P-XMPP-Data: nothing is ever cut', () => {
    expect(toSignal(message, making).requestFor(STRANGER).headers.get('Subject')).toBe(subject)
  })
})

describe('nothing a stanza says becomes a header field of its own', () => {
  const evil = 'Hello&#13;&#10;Via: SIP/2.0/UDP evil&#13;&#10;&#13;&#10;MESSAGE sip:x SIP/2.0'
  for (const [where, text] of [
    ['a subject', `<subject>${evil}</subject>`],
    ['a thread', `<thread>${evil}</thread>`],
    ['a nick', `<nick xmlns='http://jabber.org/protocol/nick'>${evil}"&lt;sip:evil@example.org></nick>`],
    ['an unknown element', `<x xmlns='urn:x' a='${evil}'>${evil}</x>`],
    ['a delay', `<delay xmlns='urn:xmpp:delay' stamp='${evil}'/>`],
    ['a language', `<body xml:lang='en${evil}'>other</body>`],
  ] as const) {
    test(where, () => {
      const message = stanza(
        `<message id='${evil}' xml:lang='${evil}' from='a@b.example/c' to='d@e.example'><body>hi</body>${text}</message>`,
      )
      for (const hop of [CORE, STRANGER, TELEPHONE]) {
        const bytes = print(toSignal(message, making).requestFor(hop), 'SIP/2.0/TCP gateway.example;branch=z9hG4bK1')
        const read = parseMessage(bytes)
        if (!(read instanceof SipRequest)) throw new Error('not a request')
        expect(read.headers.all('Via')).toHaveLength(1)
        expect(read.body.toString()).toBe('hi')
      }
    })
  }
})

test('over a wire and back a message is what it was', () => {
  const wide = stanza(
    "<message id='m, 1' type='chat' xml:lang='el' from='juliet@example.com/Μπαλκόνι, 2' to='romeo@example.net/orchard'>" +
      "<subject>Ἔρως</subject><body>Ὦ  Ῥωμαῖε 😀, two\n\nlines</body><body xml:lang='en'>O Romeo</body><thread parent='p'>a b</thread>" +
      "<active xmlns='http://jabber.org/protocol/chatstates'/><x xmlns='urn:x' a=' 1,  2&#9;'>\n  <y>&#13;</y></x></message>",
  )
  const read = parseMessage(print(toSignal(wide, making).requestFor(CORE), 'SIP/2.0/TCP gateway.example;branch=z9hG4bK1'))
  if (!(read instanceof SipRequest)) throw new Error('not a request')
  const back = toStanza(WireSignal.of(read, TRUSTED), making)
  expect(back.from.toString()).toBe(wide.from.toString())
  expect(back.to.toString()).toBe(wide.to.toString())
  expect(back.id).toBe('m, 1')
  expect(back.type).toBe('chat')
  expect(new Set(back.xml.children)).toEqual(new Set(wide.xml.children))
})
