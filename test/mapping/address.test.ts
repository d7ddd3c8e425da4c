/** RFC 7247 §6 and mapping between the names of one account in two worlds. */
import { describe, expect, test } from 'vitest'
import { Jid, JidError } from '../../src/address/jid.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import { jidFor, uriFor } from '../../src/mapping/address.ts'

describe('there and back', () => {
  for (const [address, uri] of [
    // RFC 7247 §6.5
    ['m\\26m@xmpp.example', 'sip:m&m@xmpp.example'],
    ['tsch\u00fcss@xmpp.example', 'sip:tsch%C3%BCss@xmpp.example'],
    ['baz@xmpp.example/qux', 'sip:baz@xmpp.example;gr=qux'],
    // RFC 7247 §6.4
    ['f\u00fc@sip.example', 'sip:f%C3%BC@sip.example'],
    ['o\\27malley@sip.example', "sip:o'malley@sip.example"],
    ['foo@sip.example/bar', 'sip:foo@sip.example;gr=bar'],
    // XEP-0106 §5.1
    ['space\\20cadet@example.com', 'sip:space%20cadet@example.com'],
    ['call\\20me\\20\\22ishmael\\22@example.com', 'sip:call%20me%20%22ishmael%22@example.com'],
    ['at\\26t\\20guy@example.com', 'sip:at&t%20guy@example.com'],
    ['d\\27artagnan@example.com', "sip:d'artagnan@example.com"],
    ['\\2f.fanboy@example.com', 'sip:/.fanboy@example.com'],
    ['\\3a\\3afoo\\3a\\3a@example.com', 'sip:%3A%3Afoo%3A%3A@example.com'],
    ['\\3cfoo\\3e@example.com', 'sip:%3Cfoo%3E@example.com'],
    ['user\\40host@example.com', 'sip:user%40host@example.com'],
    ['c\\3a\\net@example.com', 'sip:c%3A%5Cnet@example.com'],
    ['c\\3a\\\\net@example.com', 'sip:c%3A%5C%5Cnet@example.com'],
    ['c\\3a\\cool\\20stuff@example.com', 'sip:c%3A%5Ccool%20stuff@example.com'],
    ['c\\3a\\5c5commas@example.com', 'sip:c%3A%5C5commas@example.com'],
    // XEP-0106 §3.4
    ['\\5c3and\\2is\\5c5cool@example.com', 'sip:%5C3and%5C2is%5C5cool@example.com'],
    ['\\2plus\\2is\\4@example.com', 'sip:%5C2plus%5C2is%5C4@example.com'],
    ['foo\\bar@example.com', 'sip:foo%5Cbar@example.com'],
    ['foob\\41r@example.com', 'sip:foob%5C41r@example.com'],
    // Unescaped once, not twice.
    ['a\\5c40b@example.com', 'sip:a%5C40b@example.com'],
    ['a\\5c5c40b@example.com', 'sip:a%5C5c40b@example.com'],
    // A `\5c` that escapes nothing: XEP-0106 alone would make it a\b on the way back.
    ['a\\5cb@example.com', 'sip:a%5C5Cb@example.com'],
    ['\\5c@example.com', 'sip:%5C5C@example.com'],
    ['\\5c\\5c20@example.com', 'sip:%5C5C%5C20@example.com'],
    // Domains and what they may look like.
    ['xmpp.example', 'sip:xmpp.example'],
    ['xmpp.example/disco', 'sip:xmpp.example;gr=disco'],
    ['a@b\u00fccher.example', 'sip:a@xn--bcher-kva.example'],
    ['b\u00fccher.example', 'sip:xn--bcher-kva.example'],
    ['a@192.0.2.1', 'sip:a@192.0.2.1'],
    ['a@[2001:db8::1]/x', 'sip:a@[2001:db8::1];gr=x'],
    // Resources keep their case, their spaces and everything SIP has a use for.
    ['a@b/X y;z=1?@:<"%20', 'sip:a@b;gr=X%20y%3Bz%3D1%3F%40:%3C%22%2520'],
    ['a@b/\u265a', 'sip:a@b;gr=%E2%99%9A'],
    // Users with everything SIP has a use for.
    ['alice;day=tuesday@atlanta.com', 'sip:alice;day=tuesday@atlanta.com'],
    ['user;par=u\\40example.net@example.com', 'sip:user;par=u%40example.net@example.com'],
    ['your\\40jid.tld@gateway.example', 'sip:your%40jid.tld@gateway.example'],
    ['100%@example.com', 'sip:100%25@example.com'],
    ['%40@example.com', 'sip:%2540@example.com'],
    ['+12125551212@example.com', 'sip:+12125551212@example.com'],
  ] as const) {
    test(`${address} is known to SIP as ${uri}`, () => {
      expect(uriFor(Jid.parse(address)).toString()).toBe(uri)
      expect(jidFor(SipUri.parse(uri)).toString()).toBe(address)
    })
  }
})

describe('from SIP alone', () => {
  for (const [uri, address] of [
    ['sip:Romeo@EXAMPLE.com', 'romeo@example.com'],
    ['sips:romeo:secret@example.com:5061;transport=tls;gr=orchard?subject=x', 'romeo@example.com/orchard'],
    ['sip:k29mHHg@example.com;gr', 'k29mhhg@example.com'],
    ['sip:%6D%26m@xmpp.example', 'm\\26m@xmpp.example'],
    ['sip:a%5C2Fb@example.com', 'a\\5c2fb@example.com'],
    ['sip:a%5C5C20b@example.com', 'a\\5c5c20b@example.com'],
    ['sip:a%EF%BC%A0b@example.com', 'a\\40b@example.com'],
    ['sip:%3C%CC%B8x@example.com', '\\3c\u0338x@example.com'],
  ] as const) {
    test(`${uri} is ${address}`, () => expect(jidFor(SipUri.parse(uri)).toString()).toBe(address))
  }
  for (const [uri, why] of [
    ['sip:null-%00-null@example.com', 'NUL has no place in an address'],
    ['sip:a%0D%0Ab@example.com', 'nor has a line break'],
    ['sip:%20a@example.com', 'an escaped space may not begin it'],
    ['sip:a%20@example.com', 'an escaped space may not end it'],
    ['sip:%E2%99%9A@example.com', 'a chess king is no user name'],
    ['sip:a@b_c', 'an underscore is no letter of a domain'],
    ['sip:a%3A%CC%81@example.com', 'the accent would melt into the escape'],
    ['sip:a@b;gr=%00', 'NUL has no place in a resource'],
  ] as const) {
    test(`${uri} has no name in XMPP: ${why}`, () => expect(() => jidFor(SipUri.parse(uri))).toThrow(JidError))
  }
})

/** A repeatable stream of numbers below 2^32 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

describe('anything at all', () => {
  // What goes wrong lives among backslashes, hex digits, marks that compose, and letters whose case or width is odd.
  const PIECES = [
    ...'abcdefghABCDEF0123456789\\\\\\\\%:;=?&\'"<>/@# .-_+~!',
    ...['\\5c', '\\5C', '\\20', '\\2f', '\\2F', '\\3a', '\\3c', '\\40', '\\22', '%40', '%5C', '\u0301', '\u0307', '\u0338', '\u00fc'],
    ...[
      '\u00dc',
      '\u00df',
      '\u03a3',
      '\u03c2',
      '\u0130',
      '\uff20',
      '\uff21',
      '\uff3c',
      '\u65e5',
      '\u30fb',
      '\u00b7',
      '\u0915\u094d',
      '\u200d',
    ],
    ...['\u05d0', '\u0627', '\u0661', '\u1e9e', '\u{1f600}', '\u0000', '\r\n', '\u00a0', '\u2163', '\u212a', '\u{10400}', '\ud800'],
  ]
  const DOMAINS = [
    'xmpp.example',
    'b\u00fccher.example',
    'XN--BCHER-KVA.example',
    '[2001:db8::1]',
    '192.0.2.1',
    '\u05d0.example',
    'fa\u00df.example.',
  ]

  function drawer(seed: number) {
    const next = numbers(seed)
    return {
      text(): string {
        let text = ''
        for (let n = 1 + (next() % 7); n > 0; n--) text += PIECES[next() % PIECES.length]
        return text
      },
      domain: () => DOMAINS[next() % DOMAINS.length] ?? '',
      sometimes: () => next() % 3 === 0,
    }
  }

  test('every address comes back from SIP as it was, and is one account there', () => {
    const draw = drawer(7247)
    let valid = 0
    for (let i = 0; i < 20_000; i++) {
      let jid: Jid
      try {
        jid = Jid.of(draw.sometimes() ? undefined : draw.text(), draw.domain(), draw.sometimes() ? draw.text() : undefined)
      } catch (cause) {
        expect(cause).toBeInstanceOf(JidError)
        continue
      }
      valid++
      const uri = uriFor(jid)
      const wire = uri.toString()
      expect(wire).toMatch(/^sip:[!#-;=?-Z[\]_a-z~]+$/)
      const back = SipUri.parse(wire)
      expect(jidFor(back).toString()).toBe(jid.toString())
      expect(jidFor(uri).toString()).toBe(jid.toString())
      expect(back.aor).toBe(uri.aor)
      expect(Jid.parse(jid.toString()).toString()).toBe(jid.toString())
    }
    expect(valid).toBeGreaterThan(2_000)
  })

  test('every SIP user that XMPP has a name for comes back from it, case and width aside', () => {
    const draw = drawer(106)
    const folded = (text: string) => text.normalize('NFKC').toLowerCase().replaceAll('\u03c2', '\u03c3').normalize('NFC')
    let mapped = 0
    for (let i = 0; i < 20_000; i++) {
      const text = () => draw.text().replaceAll('\ud800', '') || 'x'
      const uri = SipUri.of(text(), draw.domain(), draw.sometimes() ? { gr: text() } : {})
      expect(SipUri.parse(uri.toString()).equals(uri)).toBe(true)
      let jid: Jid
      try {
        jid = jidFor(uri)
      } catch (cause) {
        expect(cause).toBeInstanceOf(JidError)
        continue
      }
      mapped++
      const back = uriFor(jid)
      expect(back.host).toBe(uri.host)
      expect(folded(back.user ?? '')).toBe(folded(uri.user ?? ''))
      expect(back.aor).toBe(uri.aor)
      expect(jidFor(back).toString()).toBe(jid.toString())
    }
    expect(mapped).toBeGreaterThan(2_000)
  })
})
