/** The small tools of text: header lines, dates, Call-IDs, content types, characters XML has. */
import { describe, expect, test } from 'vitest'
import { callIdFor } from '../../src/mapping/call-id.ts'
import { parseContentType } from '../../src/mapping/content-type.ts'
import { oneLine, quotedName, shortened } from '../../src/mapping/header-text.ts'
import { languageTag, nativeChild } from '../../src/mapping/language.ts'
import { addressOfContact, uriOfAddress } from '../../src/mapping/uri-of-address.ts'
import { xmlText } from '../../src/mapping/xml-text.ts'
import { parseDate, printDate } from '../../src/sip/date.ts'
import { making, xml } from './world.ts'

describe('text from a stanza is one line in a header', () => {
  for (const [text, line] of [
    ['plain', 'plain'],
    ['Hello\r\nVia: SIP/2.0/UDP evil', 'Hello Via: SIP/2.0/UDP evil'],
    ['a\0b\u0001\tc', 'a b c'],
    ['two\u2028lines\u2029three\u0085four', 'two lines three four'],
    ['  Ἔρως 😀 ', 'Ἔρως 😀'],
    ['\n\n', ''],
  ] as const) {
    test(JSON.stringify(text), () => expect(oneLine(text)).toBe(line))
  }
  test('a name is quoted, its quotes and backslashes too', () => {
    expect(quotedName('Juliet "J" \\ Capulet\r\n')).toBe('"Juliet \\"J\\" \\\\ Capulet"')
  })
  test('half a character is never sent', () => {
    expect(shortened('abc😀', 5)).toBe('abc😀')
    expect(shortened('abc😀d', 5)).toBe('abc…')
  })
})

describe('text from SIP is what XML can hold', () => {
  for (const [text, kept] of [
    ['a\0b\u0008c\u000bd', 'a\ufffdb\ufffdc\ufffdd'],
    ['tab\tnew\nline', 'tab\tnew\nline'],
    ['dos\r\nmac\runix\n', 'dos\nmac\nunix\n'],
    ['\ufffe\uffff', '\ufffd\ufffd'],
    ['half \ud83d and \ude00 whole 😀', 'half \ufffd and \ufffd whole 😀'],
  ] as const) {
    test(JSON.stringify(text), () => expect(xmlText(text)).toBe(kept))
  }
})

describe('the Date of SIP', () => {
  test('is read (the example of RFC 3261 §20.17)', () => {
    expect(parseDate('Sat, 13 Nov 2010 23:29:00 GMT')?.toISOString()).toBe('2010-11-13T23:29:00.000Z')
  })
  test('is written', () => expect(printDate(new Date('2010-11-13T23:29:00Z'))).toBe('Sat, 13 Nov 2010 23:29:00 GMT'))
  for (const text of [
    '',
    'Sat, 13 Nov 2010 23:29:00 EST',
    'Sat, 31 Feb 2010 23:29:00 GMT',
    '2010-11-13T23:29:00Z',
    'Sat, 13 Foo 2010 23:29:00 GMT',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => expect(parseDate(text)).toBeUndefined())
  }
})

describe('a thread is a Call-ID', () => {
  for (const thread of [
    'e0ffe42b28561960c6b12b944a092794b9683a38',
    'D9AA95FD-2BD5-46E2-AF0F-6CFAA96BDDFA',
    'a84b4c76e66710@pc33.atlanta.com',
  ]) {
    test(`${thread}, as it is`, () => expect(callIdFor(thread, making)).toBe(thread))
  }
  for (const thread of ['two words', 'a@b@c', 'Ἔρως', 'x\r\nVia: evil', 'x'.repeat(129)]) {
    test(`${JSON.stringify(thread.slice(0, 20))}, by its digest`, () => {
      const callId = callIdFor(thread, making)
      expect(callId).toMatch(/^[A-Za-z0-9_-]{43}@gateway\.example$/)
      expect(callIdFor(thread, making)).toBe(callId)
    })
  }
  test('without a thread every Call-ID is new', () => expect(callIdFor(undefined, making)).toBe('call-1@gateway.example'))
})

describe('a Content-Type', () => {
  test('may be written in many ways', () => {
    const type = parseContentType(' Text/Plain ; Charset = "utf-8" ;format=flowed; x="a\\"b;c";')
    expect(type?.type).toBe('text/plain')
    expect(Object.fromEntries(type?.params ?? [])).toEqual({ charset: 'utf-8', format: 'flowed', x: 'a"b;c' })
  })
  for (const text of [
    '',
    'text plain',
    ';charset=utf-8',
    'text/plain;=x',
    'text/plain;charset="utf-8',
    `text/plain;a=${'b'.repeat(2_000)}`,
  ]) {
    test(`${JSON.stringify(text.slice(0, 30))} is none`, () => expect(parseContentType(text)).toBeUndefined())
  }
})

describe('languages', () => {
  test('the first tag of a list counts', () => expect(languageTag('cs, en')).toBe('cs'))
  test('what is no tag is none', () => {
    for (const text of ['', 'čeština', 'en\r\nVia: evil', 'a'.repeat(80), '*']) expect(languageTag(text)).toBeUndefined()
  })
  test('of several bodies SIP carries the one in the language of the message', () => {
    const message = xml("<message xml:lang='en'><body xml:lang='cs'>Ahoj</body><body xml:lang='en'>Hi</body></message>")
    expect(nativeChild(message, 'body')?.text()).toBe('Hi')
  })
  test('else the first', () => {
    const message = xml("<message><body xml:lang='cs'>Ahoj</body><body xml:lang='de'>Hallo</body></message>")
    expect(nativeChild(message, 'body')?.text()).toBe('Ahoj')
  })
  test('a body of another namespace is none', () => {
    expect(nativeChild(xml("<message><body xmlns='http://www.w3.org/1999/xhtml'>Hi</body></message>"), 'body')).toBeUndefined()
  })
})

describe('a new address', () => {
  for (const [address, uri] of [
    ['xmpp:romeo@example.net', 'sip:romeo@example.net'],
    ['romeo@example.net/orchard', 'sip:romeo@example.net;gr=orchard'],
    ['sip:romeo@example.net;transport=tcp', 'sip:romeo@example.net;transport=tcp'],
    ['mailto:romeo@example.net', undefined],
    ['xmpp:%zz@example.net', undefined],
    ['', undefined],
  ] as const) {
    test(`${JSON.stringify(address)} in a stanza is ${uri}`, () => expect(uriOfAddress(address)?.toString()).toBe(uri))
  }
  for (const [contact, address] of [
    ['<sip:romeo@example.net:5070;transport=tcp>;expires=60', 'xmpp:romeo@example.net'],
    ['sip:m&m@example.net;q=0.5', 'xmpp:m%5C26m@example.net'],
    ['', undefined],
    ['*', undefined],
    [undefined, undefined],
  ] as const) {
    test(`${JSON.stringify(contact)} in Contact is ${address}`, () => expect(addressOfContact(contact)).toBe(address))
  }
})
