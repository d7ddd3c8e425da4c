/** RFC 7622: what is an XMPP address, and when two are the same. */
import { describe, expect, test } from 'vitest'
import { Jid, JidError } from '../../src/address/jid.ts'

function parts(text: string) {
  const { local, domain, resource } = Jid.parse(text)
  return [local, domain, resource]
}

function refusal(text: string): JidError {
  try {
    Jid.parse(text)
  } catch (cause) {
    if (cause instanceof JidError) return cause
    throw cause
  }
  throw new Error(`${text} was accepted`)
}

describe('the legal addresses of RFC 7622 §3.5, Table 1', () => {
  for (const [number, text, local, domain, resource] of [
    [1, 'juliet@example.com', 'juliet', 'example.com', undefined],
    [2, 'juliet@example.com/foo', 'juliet', 'example.com', 'foo'],
    [3, 'juliet@example.com/foo bar', 'juliet', 'example.com', 'foo bar'],
    [4, 'juliet@example.com/foo@bar', 'juliet', 'example.com', 'foo@bar'],
    [5, 'foo\\20bar@example.com', 'foo\\20bar', 'example.com', undefined],
    [6, 'fussball@example.com', 'fussball', 'example.com', undefined],
    [7, 'fu\u00dfball@example.com', 'fu\u00dfball', 'example.com', undefined],
    [8, '\u03c0@example.com', '\u03c0', 'example.com', undefined],
    [9, '\u03a3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    [10, '\u03c3@example.com/foo', '\u03c3', 'example.com', 'foo'],
    [11, '\u03c2@example.com/foo', '\u03c2', 'example.com', 'foo'],
    [12, 'king@example.com/\u265a', 'king', 'example.com', '\u265a'],
    [13, 'example.com', undefined, 'example.com', undefined],
    [14, 'example.com/foobar', undefined, 'example.com', 'foobar'],
    [15, 'a.example.com/b@example.net', undefined, 'a.example.com', 'b@example.net'],
  ] as const) {
    test(`${number}: ${text} is an address`, () => expect(parts(text)).toEqual([local, domain, resource]))
  }
})

describe('the strings of RFC 7622 §3.5, Table 2, that are no addresses', () => {
  for (const [number, text, part] of [
    [16, '"juliet"@example.com', 'local'],
    [17, 'foo bar@example.com', 'local'],
    [18, 'juliet@example.com/ foo', 'resource'],
    [19, '@example.com/', 'local'],
    [20, 'henry\u2163@example.com', 'local'],
    [21, '\u265a@example.com', 'local'],
    [22, 'juliet@', 'domain'],
    [23, '/foobar', 'domain'],
  ] as const) {
    test(`${number}: ${text} is refused for its ${part}part`, () => expect(refusal(text).part).toBe(part))
  }
})

describe('other strings that are no addresses', () => {
  for (const [text, part, why] of [
    ['', 'domain', 'it is empty'],
    ['a@b@c', 'domain', 'a second @ is not part of a name'],
    ['juliet@example.com/', 'resource', 'the resource is empty'],
    ["o'malley@example.com", 'local', 'an apostrophe is excluded'],
    ['a:b@example.com', 'local', 'a colon is excluded'],
    ['a\uff20b@example.com', 'local', 'a full-width @ is an @'],
    ['\\20romeo@example.com', 'local', 'an escaped space begins it'],
    ['romeo\\20@example.com', 'local', 'an escaped space ends it'],
    ['a\u0000b@example.com', 'local', 'NUL is a control character'],
    ['a@example.com/b\u0000', 'resource', 'NUL is a control character'],
    ['a@example.com/b\r\nc', 'resource', 'a line break is a control character'],
    ['a\ud800b@example.com', 'local', 'half a surrogate pair is no character'],
    ['a@example.com/\udc00', 'resource', 'half a surrogate pair is no character'],
    ['a\u00adb@example.com', 'local', 'a soft hyphen is not seen'],
    ['a\u200bb@example.com', 'local', 'a zero width space is not seen'],
    ['a>\u0338b@example.com', 'local', 'composed by NFC, it is a symbol'],
    ['a\u0378b@example.com', 'local', 'nobody has assigned U+0378'],
    ['a@example.com/\u{e000}', 'resource', 'private use is nobody’s'],
    ['a@example.com/\u1100\u1161', undefined, 'composed by NFC, it is a syllable'],
    ['a@example.com/\u1113', 'resource', 'an old Hangul jamo stays alone'],
    ['\u0640@example.com', 'local', 'a tatweel is an exception of RFC 5892'],
    ['a\u200db@example.com', 'local', 'a joiner without a virama joins nothing'],
    ['\u05d0a@example.com', 'local', 'two directions of writing in one name'],
    ['1\u05d0@example.com', 'local', 'a right-to-left name does not begin with a digit'],
    ['\u05d0\u0903@example.com', 'local', 'a left-to-right vowel sign in a right-to-left name'],
    ['\u0627\u0661\u06f1@example.com', 'local', 'two sets of Arabic digits'],
    ['a@ex ample.com', 'domain', 'a space in the name'],
    ['a@example..com', 'domain', 'an empty label'],
    ['a@.example.com', 'domain', 'an empty label'],
    ['a@-example.com', 'domain', 'a label begins with a hyphen'],
    ['a@example_.com', 'domain', 'an underscore is no letter of a name'],
    ['a@example.com:5222', 'domain', 'a port is no part of an address'],
    ['a@example%2ecom', 'domain', 'names are not percent-encoded'],
    ['a@xn--a', 'domain', 'an A-label that decodes to nothing'],
    ['a@\u2603.example', 'domain', 'a snowman is not for names (IDNA 2008)'],
    ['a@\u0301a.example', 'domain', 'a label does not begin with a mark'],
    ['a@1\u05d0.example', 'domain', 'a right-to-left label does not begin with a digit'],
    ['a@[::1', 'domain', 'the bracket is not closed'],
    ['a@[::1%25eth0]', 'domain', 'a zone has no meaning elsewhere'],
    ['a@[127.0.0.1]', 'domain', 'only IPv6 is bracketed'],
    ['a@::1', 'domain', 'IPv6 is bracketed'],
  ] as const) {
    const shown = JSON.stringify(text)
    if (part === undefined) test(`${shown} is an address: ${why}`, () => expect(Jid.parse(text).resource).toBe('\uac00'))
    else test(`${shown} is refused: ${why}`, () => expect(refusal(text).part).toBe(part))
  }
})

describe('one address, however it is written', () => {
  for (const [written, meant] of [
    ['Juliet@Example.COM/Balcony', 'juliet@example.com/Balcony'],
    ['juliet@example.com.', 'juliet@example.com'],
    ['juliet@example.com./x', 'juliet@example.com/x'],
    ['J\u00dcRGEN@example.com', 'j\u00fcrgen@example.com'],
    ['ju\u0308rgen@example.com', 'j\u00fcrgen@example.com'],
    ['\uff4a\uff55\uff4c\uff49\uff45\uff54@example.com', 'juliet@example.com'],
    ['\uff76\uff9e@example.com', '\u30ac@example.com'],
    ['\u039f\u0394\u039f\u03a3@example.com', '\u03bf\u03b4\u03bf\u03c3@example.com'],
    ['\u212aing@example.com', 'king@example.com'],
    ['\u0958@example.com', '\u0915\u093c@example.com'],
    ['\u0130@example.com', 'i\u0307@example.com'],
    ['a@b\u00fccher.example', 'a@b\u00fccher.example'],
    ['a@B\u00dcCHER.example', 'a@b\u00fccher.example'],
    ['a@xn--bcher-kva.example', 'a@b\u00fccher.example'],
    ['a@XN--BCHER-KVA.Example', 'a@b\u00fccher.example'],
    ['a@\u65e5\u672c\u3002example', 'a@\u65e5\u672c.example'],
    ['a@fa\u00df.example', 'a@fa\u00df.example'],
    ['a@[2001:DB8:0:0::1]/x', 'a@[2001:db8::1]/x'],
    ['a@192.0.2.1', 'a@192.0.2.1'],
    ['a@example.com/x\u3000y', 'a@example.com/x y'],
    ['a@example.com/\uff21', 'a@example.com/\uff21'],
    ['a@example.com/\u2163', 'a@example.com/\u2163'],
    ['l\u00b7l@example.com', 'l\u00b7l@example.com'],
    ['L\u00b7L@example.com', 'l\u00b7l@example.com'],
    ['\u30a2\u30fb\u30a2@example.com', '\u30a2\u30fb\u30a2@example.com'],
    ['\u0915\u094d\u200d\u0937@example.com', '\u0915\u094d\u200d\u0937@example.com'],
    ['\u0646\u0627\u0645\u0647\u200c\u0627\u06cc@example.com', '\u0646\u0627\u0645\u0647\u200c\u0627\u06cc@example.com'],
    ['\u05d0\u05f3@example.com', '\u05d0\u05f3@example.com'],
    ['\u0645\u062b\u0627\u0644\u0661@example.com', '\u0645\u062b\u0627\u0644\u0661@example.com'],
    ['\u05d0\u02b9\u05d0@example.com', '\u05d0\u02b9\u05d0@example.com'],
    ['\u05d0-1@example.com', '\u05d0-1@example.com'],
    ['a@\u05d0\u05d1.example', 'a@\u05d0\u05d1.example'],
  ] as const) {
    test(`${written} is ${meant}`, () => {
      const jid = Jid.parse(written)
      expect(jid.toString()).toBe(meant)
      expect(jid.equals(Jid.parse(meant))).toBe(true)
    })
  }
})

describe('lengths', () => {
  const longest = 'x'.repeat(1023)
  const name = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`

  test('1023 bytes are enough for a localpart and a resourcepart', () => {
    expect(parts(`${longest}@example.com/${longest}`)).toEqual([longest, 'example.com', longest])
  })
  test('1024 bytes are too many', () => {
    expect(refusal(`${longest}x@example.com`).part).toBe('local')
    expect(refusal(`a@example.com/${longest}x`).part).toBe('resource')
  })
  test('bytes are counted, not characters', () => {
    expect(Jid.parse(`a@example.com/${'\u265a'.repeat(341)}`).resource).toHaveLength(341)
    expect(refusal(`a@example.com/${'\u265a'.repeat(342)}`).part).toBe('resource')
    expect(refusal(`${'\u00fc'.repeat(512)}@example.com`).part).toBe('local')
  })
  test('a domain name has 253 bytes and labels of 63 at most', () => {
    expect(Jid.parse(name).domain).toBe(name)
    expect(refusal(`${name}d`).part).toBe('domain')
    expect(refusal(`${'a'.repeat(64)}.example`).part).toBe('domain')
  })
  test('a megabyte is refused without being looked at', () => {
    expect(refusal('\u0301'.repeat(1_000_000)).message).toMatch(/3071/)
    expect(() => Jid.of('\u0301'.repeat(1_000_000), 'example.com')).toThrow(JidError)
  })
})

describe('what an address can be asked', () => {
  test('a full address names a device, its bare form an account', () => {
    const full = Jid.parse('juliet@example.com/balcony')
    expect([full.isFull, full.isBare, full.isDomain]).toEqual([true, false, false])
    expect([full.bare.isFull, full.bare.isBare, full.bare.isDomain]).toEqual([false, true, false])
    expect(full.bare.toString()).toBe('juliet@example.com')
    expect(full.bare).toBe(full.bare)
    expect(full.bare.bare).toBe(full.bare)
  })
  test('a domain is bare and nothing else', () => {
    const domain = Jid.parse('example.com')
    expect([domain.isFull, domain.isBare, domain.isDomain]).toEqual([false, true, true])
    expect(Jid.parse('example.com/x').isDomain).toBe(false)
  })
  test('an account has as many full addresses as devices', () => {
    const bare = Jid.parse('juliet@example.com')
    expect(bare.withResource('a/b').toString()).toBe('juliet@example.com/a/b')
    expect(bare.withResource('balcony').withResource(undefined).equals(bare)).toBe(true)
    expect(() => bare.withResource('')).toThrow(JidError)
  })
  test('parts are prepared like whole addresses', () => {
    expect(Jid.of('Juliet', 'EXAMPLE.com', 'Balcony').toString()).toBe('juliet@example.com/Balcony')
    expect(() => Jid.of('', 'example.com')).toThrow(JidError)
    expect(() => Jid.of('a', 'example.com', '')).toThrow(JidError)
    expect(() => Jid.of('a', 'b/c')).toThrow(JidError)
    expect(() => Jid.of('a/b', 'c')).toThrow(JidError)
  })
  test('resources that differ in case are two devices', () => {
    expect(Jid.parse('a@b/X').equals(Jid.parse('a@b/x'))).toBe(false)
  })
})
