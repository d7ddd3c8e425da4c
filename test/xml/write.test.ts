/** Trees on their way out: on a stream, in its header, in a SIP header. */
import { describe, expect, test } from 'vitest'
import { Element, el } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { closeTag, openTag, STREAM_PREFIX, write, writeAscii } from '../../src/xml/write.ts'
import { Random, randomTree } from './random.ts'
import { Recording, refusal } from './recording.ts'

const CLIENT = 'jabber:client'
const STREAMS = 'http://etherx.jabber.org/streams'

test('one content behind many start tags is written for each as it stands there', () => {
  const away = el('presence', CLIENT, {}, el('show', CLIENT, {}, 'away'), el('c', 'u', { v: '1' }), 'a & b')
  const inside = "<show>away</show><c xmlns='u' v='1'/>a &amp; b"
  for (const to of ['romeo', 'nurse']) expect(write(away.withAttr('to', to), CLIENT)).toBe(`<presence to='${to}'>${inside}</presence>`)
  // Elsewhere the same children look different.
  expect(write(away, '')).toBe(`<presence xmlns='jabber:client'>${inside}</presence>`)
  const elsewhere = new Element('presence', 'u', [], away.children)
  expect(write(elsewhere, 'u')).toBe("<presence><show xmlns='jabber:client'>away</show><c v='1'/>a &amp; b</presence>")
  expect(write(away, CLIENT, ['p', 'u'])).toBe("<presence><show>away</show><p:c v='1'/>a &amp; b</presence>")
  expect(write(away, CLIENT)).toBe(`<presence>${inside}</presence>`)
})

test('xmlns is written only where it changes', () => {
  const message = el(
    'message',
    CLIENT,
    { to: 'a' },
    el('body', CLIENT, {}, 'hi'),
    el('x', 'u', {}, el('y', 'u'), el('z', CLIENT), el('n', '')),
  )
  expect(write(message, CLIENT)).toBe(
    "<message to='a'><body>hi</body><x xmlns='u'><y/><z xmlns='jabber:client'/><n xmlns=''/></x></message>",
  )
  expect(write(message, 'jabber:server')).toMatch(/^<message xmlns='jabber:client' to='a'><body>/)
  expect(write(message, '')).toMatch(/^<message xmlns='jabber:client' to='a'><body>/)
})

test('an attribute with a namespace gets a prefix of its own, one for each namespace', () => {
  const element = new Element('a', 'u', ['{v}b', '1', '{w}b', '2', '{v}c', '3', 'xml:lang', 'en', 'd', '4'], [])
  const xml = "<a xmlns='u' xmlns:ns1='v' ns1:b='1' xmlns:ns2='w' ns2:b='2' ns1:c='3' xml:lang='en' d='4'/>"
  expect(write(element, '')).toBe(xml)
  expect(parseElement(xml)).toEqual(element)
})

test.each([
  ['markup', '<a href="x">&', '&lt;a href="x"&gt;&amp;'],
  ['the end of a CDATA section', ']]>', ']]&gt;'],
  ['a carriage return', 'a\r\nb', 'a&#13;\nb'],
  ['tabs and line ends', 'a\t\nb', 'a\t\nb'],
  ['emoji', '👩‍💻 ok', '👩‍💻 ok'],
])('text with %s comes back as it was', (_what, text, written) => {
  expect(write(el('a', 'u', {}, text), 'u')).toBe(`<a>${written}</a>`)
  expect(parseElement(`<a>${written}</a>`).text()).toBe(text)
})

test.each([
  ['quotes', `'"`, '&apos;"'],
  ['white space', ' \t\r\n', ' &#9;&#13;&#10;'],
  ['markup', '<&>', '&lt;&amp;&gt;'],
])('an attribute with %s comes back as it was', (_what, value, written) => {
  expect(write(el('a', 'u', { b: value }), 'u')).toBe(`<a b='${written}'/>`)
  expect(parseElement(`<a b='${written}'/>`).attr('b')).toBe(value)
})

test.each([
  ['NUL', '\0'],
  ['a bell', '\x07'],
  ['U+FFFE', '\ufffe'],
  ['U+FFFF', '\uffff'],
  ['the first half of a pair', '\ud83d'],
  ['the second half of a pair', '\ude00'],
])('%s, which XML cannot hold, becomes a replacement character', (_what, character) => {
  const element = el('a', 'u', { b: `1${character}2` }, `3${character}4`)
  for (const xml of [write(element, 'u'), openTag(element, 'u', []), parseElement(writeAscii(element, 'u'), { ns: 'u' }).attr('b') ?? '']) {
    expect(xml).toContain('1\ufffd2')
    expect(xml).not.toContain(character)
  }
  expect(write(element, 'u')).toContain('>3\ufffd4<')
})

describe('a stream', () => {
  const header = el('stream', STREAMS, { from: 'a', version: '1.0', 'xml:lang': 'en' })

  test('opens with its namespaces and closes with the same name', () => {
    expect(openTag(header, CLIENT)).toBe(
      "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' from='a' version='1.0' xml:lang='en'>",
    )
    expect(closeTag(header, CLIENT)).toBe('</stream:stream>')
  })

  test('of servers declares the prefix of dialback too', () => {
    const declared = [...STREAM_PREFIX, 'db', 'jabber:server:dialback']
    expect(openTag(header, 'jabber:server', declared)).toContain(" xmlns:db='jabber:server:dialback'")
    expect(write(el('result', 'jabber:server:dialback', { to: 'b' }, 'key'), 'jabber:server', declared)).toBe(
      "<db:result to='b'>key</db:result>",
    )
  })

  test('has features and errors with the prefix that old clients insist on', () => {
    const features = el('features', STREAMS, {}, el('starttls', 'urn:ietf:params:xml:ns:xmpp-tls'))
    expect(write(features, CLIENT, STREAM_PREFIX)).toBe(
      "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>",
    )
    expect(write(features, CLIENT)).toBe(
      "<features xmlns='http://etherx.jabber.org/streams'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></features>",
    )
  })

  test('does not open with a namespace it does not declare', () => {
    expect(() => openTag(el('open', 'u'), CLIENT)).toThrow(TypeError)
  })

  test('written by us is read by us', () => {
    const random = new Random(1)
    const stream = new Recording()
    stream.push(openTag(header, CLIENT))
    const sent = Array.from({ length: 300 }, () => randomTree(random))
    for (const element of sent) stream.push(write(element, CLIENT, STREAM_PREFIX))
    stream.push(closeTag(header, CLIENT))
    expect(stream.elements).toEqual(sent)
    expect(stream.isClosed).toBe(true)
  })
})

test('what is written is read back as the same tree, whatever namespace is around it', () => {
  const random = new Random(42)
  for (let i = 0; i < 2_000; i++) {
    const tree = randomTree(random)
    const ns = random.pick([CLIENT, 'jabber:server', 'urn:a', ''])
    expect(parseElement(write(tree, ns), { ns })).toEqual(tree)
  }
})

describe('in a SIP header', () => {
  test('a tree is one line of printable ASCII that reads back as the same tree', () => {
    const random = new Random(43)
    let written = 0
    while (written < 1_000) {
      const tree = randomTree(random)
      if (/[^\x00-\x7f]/.test(names(tree))) continue
      written++
      const line = writeAscii(tree, CLIENT)
      expect(line).toMatch(/^(?!.* {2})[ -+\x2d-~]+$/)
      expect(parseElement(line, { ns: CLIENT })).toEqual(tree)
    }
  })

  test.each([
    ['a comma', 'a,b', 'a&#44;b'],
    ['two spaces', 'a  b', 'a &#32;b'],
    ['four spaces', '    ', ' &#32;&#32;&#32;'],
    ['a line end', 'a\nb', 'a&#10;b'],
    ['a tab', 'a\tb', 'a&#9;b'],
    ['a space after a line end', '\n x', '&#10; x'],
    ['Greek', 'Ω', '&#937;'],
    ['a character beyond the first plane, in one reference', '😀', '&#128512;'],
    ['DEL', '\x7f', '&#127;'],
  ])('%s becomes a reference', (_what, text, written) => {
    expect(writeAscii(el('a', CLIENT, {}, text), CLIENT)).toBe(`<a>${written}</a>`)
    expect(writeAscii(el('a', CLIENT, { b: text }), CLIENT)).toBe(`<a b='${written}'/>`)
  })

  test('a name beyond ASCII is refused, because XML has no reference for it', () => {
    for (const element of [el('Ω', CLIENT), el('a', CLIENT, { Ω: '' }), el('a', CLIENT, {}, el('b', CLIENT, { '{u}Ω': '' }))]) {
      expect(refusal(() => writeAscii(element, CLIENT)).message).toContain('ASCII')
    }
    expect(writeAscii(new Element('a', 'urn:Ω', ['{urn:Ω}b', ''], []), '')).toBe("<a xmlns='urn:&#937;' xmlns:ns1='urn:&#937;' ns1:b=''/>")
  })
})

function names(tree: Element): string {
  return tree.name + tree.attrs.filter((_, i) => i % 2 === 0).join('') + tree.elements().map(names).join('')
}
