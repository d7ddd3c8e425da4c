/** P-XMPP-Data in its four forms: written as the hop wants it, read as a trusted sender wrote it. */
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type HopPolicy, RefusedError } from '../../src/core/port.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { LIMITS } from '../../src/mapping/limits.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { readXmppData } from '../../src/mapping/xmpp-data.ts'
import { parseMessage, print } from '../../src/sip/codec.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'
import type { Stanza } from '../../src/stanza/stanza.ts'
import { CORE, fromRomeo, making, noise, STRANGER, stanza, TELEPHONE, TRUSTED, UNTRUSTED, xml } from './world.ts'

const NOTHING = Buffer.alloc(0)
const read = (value: string, more: readonly string[] = [], body: Buffer = NOTHING) =>
  readXmppData(new Headers(['P-XMPP-Data', value, ...more]), body)
const refused = (act: () => unknown): string => {
  try {
    act()
  } catch (cause) {
    if (cause instanceof RefusedError && cause.status === 400) return cause.reason
    throw cause
  }
  throw new Error('nothing was refused')
}

/** `count` children with a text of their own: XML that deflates to about a sixth. */
const items = (count: number): string =>
  Array.from({ length: count }, (_, i) => `<item xmlns='urn:x' jid='user-${i}@example.com' name='User ${i}'/>`).join('')
const chat = (children: string): Stanza =>
  stanza(`<message id='m1' type='chat' from='juliet@example.com/balcony' to='romeo@example.net'><body>hi</body>${children}</message>`)

function overTheWire(message: Stanza, hop: HopPolicy): SipRequest {
  const request = parseMessage(print(toSignal(message, making).requestFor(hop), 'SIP/2.0/TCP gateway.example;branch=z9hG4bK1'))
  if (!(request instanceof SipRequest)) throw new Error('not a request')
  return request
}

describe('it is written', () => {
  test('as XML: one line of printable ASCII without commas', () => {
    const value = overTheWire(chat("<x xmlns='urn:x' a='1,2'>Ω\n\t  😀</x>"), CORE).headers.get('P-XMPP-Data') ?? ''
    expect(value).toMatch(/^<message [ -+\x2d-~]*$/)
    expect(value).toContain('Ω'.codePointAt(0)?.toString() ?? '?')
    expect(value).not.toContain('  ')
  })
  test('as base64 where a core damages XML', () => {
    const value = overTheWire(chat("<x xmlns='urn:x'/>"), { ...CORE, xmppData: 'base64' }).headers.get('P-XMPP-Data') ?? ''
    expect(value).toMatch(/^b64:[A-Za-z0-9+/]+=*$/)
  })
  test('as base64 where a name is not ASCII, for which XML has no reference', () => {
    const message = chat("<πρᾶγμα xmlns='urn:x'>Ω</πρᾶγμα>")
    const request = overTheWire(message, CORE)
    expect(request.headers.get('P-XMPP-Data')).toMatch(/^b64:/)
    expect(toStanza(WireSignal.of(request, TRUSTED), making).xml.child('πρᾶγμα', 'urn:x')?.text()).toBe('Ω')
  })
  test('deflated above the threshold of the hop', () => {
    const value = overTheWire(chat(items(200)), CORE).headers.get('P-XMPP-Data') ?? ''
    expect(value).toMatch(/^z64:/)
    expect(value.length).toBeLessThan(8_000)
  })
  test('as a part of the body where deflating is not enough', () => {
    const request = overTheWire(chat(`<x xmlns='urn:x'>${noise(9_000)}</x>`), CORE)
    const id = /^cid:(.+)$/.exec(request.headers.get('P-XMPP-Data') ?? '')?.[1]
    const body = request.body.toString()
    expect(request.headers.get('Content-Type')).toMatch(/^multipart\/mixed;boundary="stoxgate-/)
    expect(body).toContain('Content-Type: text/plain;charset=UTF-8\r\n\r\nhi\r\n')
    expect(body).toContain(`Content-Type: application/xmpp+xml\r\nContent-ID: <${id}>\r\n`)
    expect(Math.max(...body.split('\r\n').map((line) => line.length))).toBeLessThan(80)
  })
  test('the threshold counts all header fields together', () => {
    for (const subject of ['', `<subject>${'s'.repeat(1_000)}</subject>`]) {
      for (let bytes = 500; bytes < 9_000; bytes += 500) {
        const { headers } = toSignal(chat(`${subject}<x xmlns='urn:x'>${noise(bytes)}</x>`), making).requestFor(CORE)
        const all = headers.list.reduce((sum, text) => sum + text.length + 2, 0)
        expect(all).toBeLessThanOrEqual(8_000)
      }
    }
  })
  test('a telephone gets no body of several parts: what does not fit is left out', () => {
    const request = overTheWire(chat(`<x xmlns='urn:x'>${noise(9_000)}</x>`), TELEPHONE)
    expect(request.headers.has('P-XMPP-Data')).toBe(false)
    expect(request.headers.get('Content-Type')).toBe('text/plain;charset=UTF-8')
  })
  test('not at all to a stranger', () => expect(overTheWire(chat(items(3)), STRANGER).headers.has('P-XMPP-Data')).toBe(false))
  test('without what SIP carries itself', () => {
    const value = overTheWire(chat('<subject>s</subject>'), CORE).headers.get('P-XMPP-Data')
    expect(value).toBe("<message id='m1' type='chat' from='juliet@example.com/balcony'/>")
  })
  test('whole, where the hop wants it whole', () => {
    const value = overTheWire(chat('<subject>s</subject>'), { ...CORE, fullXmppData: true }).headers.get('P-XMPP-Data')
    expect(value).toContain('<body>hi</body><subject>s</subject>')
  })
  test('nobody chooses the boundary of the body: it is made from all that stands in it', () => {
    const huge = `<x xmlns='urn:x'>${noise(9_000)}</x>`
    const boundaryOf = (request: SipRequest) => /boundary="([^"]+)"/.exec(request.headers.get('Content-Type') ?? '')?.[1] ?? ''
    const first = boundaryOf(overTheWire(chat(huge), CORE))
    const forged = stanza(
      `<message id='m1' type='chat' from='juliet@example.com/balcony' to='romeo@example.net'><body>--${first}&#10;Content-Type: text/plain&#10;&#10;forged</body>${huge}</message>`,
    )
    const request = overTheWire(forged, CORE)
    expect(boundaryOf(request)).not.toBe(first)
    expect(toStanza(WireSignal.of(request, TRUSTED), making).xml.child('body')?.text()).toContain('forged')
  })
})

describe('every form comes back as it went', () => {
  const policies: readonly (readonly [string, HopPolicy])[] = [
    ['XML', CORE],
    ['base64', { ...CORE, xmppData: 'base64' }],
    ['deflated', { ...CORE, xmppDataHeaderBytes: 1_600 }],
    ['in the body', { ...CORE, xmppDataHeaderBytes: 400 }],
    ['whole', { ...CORE, fullXmppData: true }],
    ['whole, in the body', { ...CORE, fullXmppData: true, xmppDataHeaderBytes: 400 }],
  ]
  const forms = new Set<string>()
  for (const [name, hop] of policies) {
    test(`${name}, a message`, () => {
      const message = chat(`<thread>t</thread>${items(30)}<x xmlns='urn:x'>Ω 😀, a  b&#10;</x>`)
      const request = overTheWire(message, hop)
      forms.add((request.headers.get('P-XMPP-Data') ?? '').slice(0, 4))
      const back = toStanza(WireSignal.of(request, TRUSTED), making)
      expect(back.xml.children).toEqual(message.xml.children)
      expect([back.id, back.type, back.from.toString()]).toEqual(['m1', 'chat', 'juliet@example.com/balcony'])
    })
    test(`${name}, an iq`, () => {
      const iq = stanza(
        `<iq id='q1' type='set' from='juliet@example.com/balcony' to='romeo@example.net/orchard'><query xmlns='urn:q'>${items(30)}</query></iq>`,
      )
      const back = toStanza(WireSignal.of(overTheWire(iq, hop), TRUSTED), making)
      expect(back.xml.children).toEqual(iq.xml.children)
      expect([back.id, back.type, back.to.toString()]).toEqual(['q1', 'set', 'romeo@example.net/orchard'])
    })
  }
  test('and all four were seen', () => expect(forms).toEqual(new Set(['<mes', 'b64:', 'z64:', 'cid:'])))
})

describe('it is read', () => {
  const element = xml("<message type='chat'><x xmlns='urn:x'>Ω</x></message>")
  const text = "<message type='chat'><x xmlns='urn:x'>Ω</x></message>"
  const part = ['--b', 'Content-Type: application/xmpp+xml', 'Content-ID: <data@example.com>', '', text, '--b--', ''].join('\r\n')
  test('as XML', () => expect(read("<message type='chat'><x xmlns='urn:x'>&#937;</x></message>")).toEqual(element))
  test('as XML with its namespace written out', () =>
    expect(read(text.replace('<message', "<message xmlns='jabber:client'"))).toEqual(element))
  test('as base64', () => expect(read(`b64:${Buffer.from(text).toString('base64')}`)).toEqual(element))
  test('as base64 that somebody folded', () => {
    expect(read(`b64: ${Buffer.from(text).toString('base64').replace(/.{20}/g, '$& ')}`)).toEqual(element)
  })
  test('deflated', () => expect(read(`z64:${deflateSync(text).toString('base64')}`)).toEqual(element))
  test('as a part of the body', () =>
    expect(read('cid:data@example.com', ['Content-Type', 'multipart/mixed;boundary=b'], Buffer.from(part))).toEqual(element))
  test('as a part by an escaped name', () =>
    expect(read('cid:data%40example.com', ['Content-Type', 'multipart/related;boundary=b'], Buffer.from(part))).toEqual(element))
  test('as a part within a part', () => {
    const outer = `--a\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n${part}\r\n--a--\r\n`
    expect(read('cid:data@example.com', ['Content-Type', 'multipart/mixed;boundary=a'], Buffer.from(outer))).toEqual(element)
  })
  test('as the whole body', () => {
    expect(
      read('cid:data@example.com', ['Content-Type', 'application/xmpp+xml', 'Content-ID', '<data@example.com>'], Buffer.from(text)),
    ).toEqual(element)
  })
  test('an absent one is none', () => expect(readXmppData(new Headers(), NOTHING)).toBeUndefined())
})

describe('what cannot be read is refused, and says why', () => {
  const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024, 0x20)).toString('base64')
  for (const [what, value, why] of [
    ['another form', 'x64:abc', /begins with neither/],
    ['not base64', 'b64:***', /not base64/],
    ['base64 of something other than UTF-8', `b64:${Buffer.from([0xff, 0xfe]).toString('base64')}`, /not UTF-8/],
    ['not deflated', `z64:${Buffer.from('hello').toString('base64')}`, /does not inflate/],
    ['a zip bomb', `z64:${bomb}`, /does not inflate to 524288 bytes/],
    ['a part that is not there', 'cid:nowhere@example.com', /not in the body/],
    ['a broken escape', 'cid:%zz', /broken escape/],
    ['XML cut in the middle', "<message type='chat'><x xmlns='urn:x'>", /not the XML of a stanza/],
    ['two elements', '<message/><message/>', /not the XML of a stanza/],
    ['a DTD', '<!DOCTYPE x [<!ENTITY a "b">]><message/>', /not the XML of a stanza/],
    ['an entity', '<message>&a;</message>', /not the XML of a stanza/],
    ['a comment', '<message><!-- x --></message>', /not the XML of a stanza/],
    ['elements too deep', `${'<a>'.repeat(100)}${'</a>'.repeat(100)}`, /not the XML of a stanza/],
    ['XML too long', `<message>${'x'.repeat(LIMITS.xmppDataBytes)}</message>`, /longer than 524288 bytes/],
  ] as const) {
    test(what, () => expect(refused(() => read(value))).toMatch(why))
  }
  test('a part in a body without an end', () => {
    expect(refused(() => read('cid:a@b', ['Content-Type', 'multipart/mixed;boundary=b'], Buffer.from('--b\r\n\r\nx')))).toMatch(/no end/)
  })
  test('a message in an INFO, an iq in a MESSAGE', () => {
    expect(refused(() => toStanza(fromRomeo({ 'P-XMPP-Data': '<message/>' }, '', TRUSTED, 'INFO'), making))).toMatch(/needs an iq/)
    expect(refused(() => toStanza(fromRomeo({ 'P-XMPP-Data': "<iq id='1' type='get'/>" }, '', TRUSTED), making))).toMatch(
      /other than a message/,
    )
    expect(refused(() => toStanza(fromRomeo({ 'P-XMPP-Data': "<message xmlns='jabber:server'/>" }, '', TRUSTED), making))).toMatch(
      /other than a message/,
    )
  })
  for (const [what, value] of [
    ['without an id', "<iq type='get'><x xmlns='urn:x'/></iq>"],
    ['without a type', "<iq id='1'><x xmlns='urn:x'/></iq>"],
    ['with two questions', "<iq id='1' type='get'><x xmlns='urn:x'/><y xmlns='urn:x'/></iq>"],
    ['with none', "<iq id='1' type='set'/>"],
  ] as const) {
    test(`an iq ${what}`, () =>
      expect(refused(() => toStanza(fromRomeo({ 'P-XMPP-Data': value }, '', TRUSTED, 'INFO'), making))).toContain('P-XMPP-Data'))
  }
})

describe('it is believed only as far as its sender is', () => {
  const data = "<message id='m1' type='groupchat' from='romeo@example.net/orchard'><x xmlns='urn:x'/></message>"
  test('a trusted peer gives type, id, device and children', () => {
    const { xml: message, from } = toStanza(fromRomeo({ 'P-XMPP-Data': data }, '', TRUSTED), making)
    expect([message.attr('type'), message.attr('id'), from.toString()]).toEqual(['groupchat', 'm1', 'romeo@example.net/orchard'])
    expect(message.child('x', 'urn:x')).toBeDefined()
  })
  test('a stranger gives nothing', () => {
    const { xml: message, from } = toStanza(fromRomeo({ 'P-XMPP-Data': data }, '', UNTRUSTED), making)
    expect([message.attr('type'), message.attr('id'), from.toString()]).toEqual(['chat', 'z9hG4bKeskdgs677', 'romeo@example.net'])
    expect(message.child('x', 'urn:x')).toBeUndefined()
  })
  test('what a stranger wrote there is not even parsed', () => {
    expect(toStanza(fromRomeo({ 'P-XMPP-Data': '<broken' }, '', UNTRUSTED), making).kind).toBe('message')
  })
  test('an INFO of a stranger is refused', () => {
    expect(() =>
      toStanza(fromRomeo({ 'P-XMPP-Data': "<iq id='1' type='get'><x xmlns='urn:x'/></iq>" }, '', UNTRUSTED, 'INFO'), making),
    ).toThrow(expect.objectContaining({ status: 405 }))
  })
  for (const [what, from, becomes] of [
    ['another account', 'mercutio@example.net/x', 'romeo@example.net'],
    ['another domain', 'romeo@evil.example/x', 'romeo@example.net'],
    ['no address at all', '@@', 'romeo@example.net'],
    ['the same account', 'romeo@example.net', 'romeo@example.net'],
  ] as const) {
    test(`a from that names ${what} counts as ${becomes}`, () => {
      const value = `<message from='${from}' to='nurse@example.com'/>`
      const message = toStanza(fromRomeo({ 'P-XMPP-Data': value }, '', TRUSTED), making)
      expect(message.from.toString()).toBe(becomes)
      expect(message.to.toString()).toBe('juliet@example.com')
    })
  }
  test('a device that From names otherwise is not believed', () => {
    const value = "<message from='romeo@example.net/other'/>"
    const message = toStanza(fromRomeo({ From: '<sip:romeo@example.net;gr=orchard>;tag=1', 'P-XMPP-Data': value }, '', TRUSTED), making)
    expect(message.from.toString()).toBe('romeo@example.net/orchard')
  })
  test('a device that differs in case only is: SIP compares it without case', () => {
    const value = "<message from='romeo@example.net/Orchard'/>"
    const message = toStanza(fromRomeo({ From: '<sip:romeo@example.net;gr=orchard>;tag=1', 'P-XMPP-Data': value }, '', TRUSTED), making)
    expect(message.from.toString()).toBe('romeo@example.net/Orchard')
  })
})
