/** What XMPP's XML subset forbids and what it must let through (RFC 6120 §11), on a stream and for an element alone. */
import { describe, expect, test } from 'vitest'
import { parseElement } from '../../src/xml/parse-element.ts'
import type { XmlCondition } from '../../src/xml/xml-error.ts'
import { opened, pieces, Recording, refusal } from './recording.ts'

const FORBIDDEN: [what: string, xml: string, condition: XmlCondition][] = [
  ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]>', 'restricted-xml'],
  ['a document type inside', '<a><!DOCTYPE a></a>', 'restricted-xml'],
  ['an entity declaration', '<a><!ENTITY b "c"></a>', 'restricted-xml'],
  ['a comment', '<a><!-- hush --></a>', 'restricted-xml'],
  ['a comment between elements', '<!-- hush -->', 'restricted-xml'],
  ['a processing instruction', '<a><?php echo 1 ?></a>', 'restricted-xml'],
  ['a processing instruction between elements', '<?php?>', 'restricted-xml'],
  ['an XML declaration in the middle', "<a><?xml version='1.0'?></a>", 'restricted-xml'],
  ['an undefined entity', '<a>&foo;</a>', 'restricted-xml'],
  ['an HTML entity', '<a>&nbsp;</a>', 'restricted-xml'],
  ['an undefined entity in an attribute', "<a b='&foo;'/>", 'restricted-xml'],
  ['an entity named like a method', '<a>&constructor;</a>', 'restricted-xml'],
  ['a bare ampersand', '<a>Tom & Jerry</a>', 'not-well-formed'],
  ['a bare ampersand in an attribute', "<a b='Tom & Jerry'/>", 'not-well-formed'],
  ['an entity without its semicolon', '<a>&amp</a>', 'not-well-formed'],
  ['a character reference without its semicolon', '<a>&#65</a>', 'not-well-formed'],
  ['a hexadecimal reference with a capital X', '<a>&#X41;</a>', 'not-well-formed'],
  [']]> in text', '<a>x]]>y</a>', 'not-well-formed'],
  ['a reference to NUL', '<a>&#0;</a>', 'not-well-formed'],
  ['a reference to a control character', '<a>&#1;</a>', 'not-well-formed'],
  ['a reference to half a surrogate pair', '<a>&#xD800;</a>', 'not-well-formed'],
  ['a reference to U+FFFE', '<a>&#xFFFE;</a>', 'not-well-formed'],
  ['a reference beyond Unicode', '<a>&#x110000;</a>', 'not-well-formed'],
  ['a reference beyond all numbers', `<a>&#${'9'.repeat(400)};</a>`, 'not-well-formed'],
  ['a raw NUL', '<a>\0</a>', 'not-well-formed'],
  ['a raw control character', '<a>\x01</a>', 'not-well-formed'],
  ['a raw control character in an attribute', "<a b='\x1f'/>", 'not-well-formed'],
  ['a raw control character in CDATA', '<a><![CDATA[\x0b]]></a>', 'not-well-formed'],
  ['U+FFFE', '<a>\ufffe</a>', 'not-well-formed'],
  ['U+FFFF in an attribute', "<a b='\uffff'/>", 'not-well-formed'],
  ['U+FFFE in CDATA', '<a><![CDATA[\ufffe]]></a>', 'not-well-formed'],
  ['a mismatched end tag', '<a></b>', 'not-well-formed'],
  ['a longer end tag', '<a></ab>', 'not-well-formed'],
  ['a shorter end tag', '<ab></a>', 'not-well-formed'],
  ['an end tag in another case', '<a></A>', 'not-well-formed'],
  ['an end tag with an attribute', "<a></a b='c'>", 'not-well-formed'],
  ['an end tag with a space before its name', '<a></ a>', 'not-well-formed'],
  ['overlapping elements', '<a><b></a></b>', 'not-well-formed'],
  ['the same attribute twice', "<a b='1' b='2'/>", 'not-well-formed'],
  ['an unquoted attribute', '<a b=c/>', 'not-well-formed'],
  ['an attribute without a value', '<a b/>', 'not-well-formed'],
  ['a < in an attribute', "<a b='<'/>", 'not-well-formed'],
  ['no space between attributes', "<a b='1'c='2'/>", 'not-well-formed'],
  ['a name that begins with a digit', '<1a/>', 'not-well-formed'],
  ['a name with a forbidden letter', '<a×/>', 'not-well-formed'],
  ['an element without a name', '<>', 'not-well-formed'],
  ['a space before a name', '< a/>', 'not-well-formed'],
  ['a / in the middle of a tag', "<a / b='c'>", 'not-well-formed'],
  ['two colons in a name', "<a:b:c xmlns:a='u'/>", 'not-well-formed'],
  ['a colon in front', '<:a/>', 'not-well-formed'],
  ['a colon at the end', "<a: xmlns:a='u'/>", 'not-well-formed'],
  ['a local name that begins with a digit', "<a:1 xmlns:a='u'/>", 'not-well-formed'],
  ['an unbound prefix', '<x:a/>', 'not-well-formed'],
  ['an unbound prefix of an attribute', "<a x:b='1'/>", 'not-well-formed'],
  ['a prefix out of its scope', "<a><b xmlns:x='u'/><x:c/></a>", 'not-well-formed'],
  ['an undeclared prefix', "<a xmlns:x=''/>", 'not-well-formed'],
  ['the prefix xml for something else', "<a xmlns:xml='u'/>", 'not-well-formed'],
  ['another prefix for the namespace of xml', "<a xmlns:x='http://www.w3.org/XML/1998/namespace'/>", 'not-well-formed'],
  ['the namespace of xml as default', "<a xmlns='http://www.w3.org/XML/1998/namespace'/>", 'not-well-formed'],
  ['a declaration of xmlns', "<a xmlns:xmlns='u'/>", 'not-well-formed'],
  ['the namespace of xmlns', "<a xmlns:x='http://www.w3.org/2000/xmlns/'/>", 'not-well-formed'],
  ['an element with the prefix xmlns', '<xmlns:a/>', 'not-well-formed'],
  ['xmlns twice', "<a xmlns='u' xmlns='v'/>", 'not-well-formed'],
  ['a prefix declared twice in one tag', "<a xmlns:x='u' xmlns:x='v'/>", 'not-well-formed'],
  ['the same expanded attribute twice', "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>", 'not-well-formed'],
]

describe.each(FORBIDDEN)('%s', (_what, xml, condition) => {
  test(`ends a stream with ${condition}`, () => {
    expect(refusal(() => opened().push(xml)).condition).toBe(condition)
  })
  test('ends it in the same way byte by byte', () => {
    expect(refusal(() => opened().push(...pieces(Buffer.from(xml), 1))).condition).toBe(condition)
  })
  test('is refused in an element alone', () => {
    expect(refusal(() => parseElement(xml)).condition).toBe(condition)
  })
})

const ALLOWED: [what: string, xml: string, text: string][] = [
  ['a replacement character that really is one', '<a>\ufffd</a>', '\ufffd'],
  ['the zero width no-break space', '<a>\ufeffx\ufeff</a>', '\ufeffx\ufeff'],
  ['line ends of all kinds', '<a>1\r\n2\r3\n4</a>', '1\n2\n3\n4'],
  ['line ends in CDATA', '<a><![CDATA[1\r\n2\r3]]></a>', '1\n2\n3'],
  ['a carriage return by reference', '<a>1&#13;&#xd;\n</a>', '1\r\r\n'],
  ['the five entities', '<a>&lt;&gt;&amp;&apos;&quot;</a>', '<>&\'"'],
  ['references to characters', '<a>&#65;&#x42;&#x1F600;&#0000000067;</a>', 'AB😀C'],
  ['an entity that is text', '<a>&amp;lt;</a>', '&lt;'],
  ['CDATA with markup in it', '<a>x<![CDATA[<b>&amp;]] ]>]]>y</a>', 'x<b>&amp;]] ]>y'],
  ['an empty CDATA section', '<a><![CDATA[]]></a>', ''],
  ['a > and a ]] in text', '<a>> ]] ]]] ></a>', '> ]] ]]] >'],
  ['C1 controls and DEL', '<a>\x7f\x80\x9f</a>', '\x7f\x80\x9f'],
  ['the last characters of Unicode', '<a>\ufffd\u{10000}\u{10ffff}</a>', '\ufffd\u{10000}\u{10ffff}'],
  ['space where space may be', "<a \t b = '1'\r\n c='2' ></a\n>", ''],
]

test.each(ALLOWED)('%s is read as what it means', (_what, xml, text) => {
  expect(
    opened()
      .push(xml)
      .elements.map((element) => element.text()),
  ).toEqual([text])
  expect(parseElement(xml).text()).toBe(text)
})

test('an attribute is normalised as XML asks, and keeps what stands in references', () => {
  expect(parseElement("<a b='\t\r\n \r&#9;&#10;&#13;&lt;\"'/>").attr('b')).toBe('    \t\n\r<"')
})

test('attributes named like members of an object are only attributes', () => {
  const element = parseElement("<a __proto__='1' constructor='2' toString='3'/>")
  expect(element.attrs).toEqual(['__proto__', '1', 'constructor', '2', 'toString', '3'])
})

test('names beyond ASCII are names', () => {
  expect(parseElement("<ζήτησις 属性='1' \u{10400}='2'/>")).toMatchObject({ name: 'ζήτησις', attrs: ['属性', '1', '\u{10400}', '2'] })
})

test('namespaces come from where they were declared', () => {
  const xml = "<a xmlns='u' xmlns:x='v' x:p='1' p='2' xml:lang='en'><x:b/><c xmlns=''/><d xmlns='w' xmlns:x='z'><x:e/></d><f/></a>"
  const a = parseElement(xml, { ns: 'around' })
  expect(a.ns).toBe('u')
  expect(a.attrs).toEqual(['{v}p', '1', 'p', '2', 'xml:lang', 'en'])
  expect(a.elements().map((element) => [element.name, element.ns])).toEqual([
    ['b', 'v'],
    ['c', ''],
    ['d', 'w'],
    ['f', 'u'],
  ])
  expect(a.child('d', 'w')?.child('e', 'z')).toBeDefined()
  expect(parseElement('<a/>', { ns: 'around' }).ns).toBe('around')
})

test('a declaration may follow its use in the same tag', () => {
  expect(parseElement("<x:a x:b='1' xmlns:x='u'/>")).toMatchObject({ name: 'a', ns: 'u', attrs: ['{u}b', '1'] })
})

test('the prefix xml needs no declaration and may have the right one', () => {
  expect(parseElement("<a xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:space='preserve'/>").attrs).toEqual([
    'xml:space',
    'preserve',
  ])
  expect(parseElement('<xml:a/>').ns).toBe('http://www.w3.org/XML/1998/namespace')
})

describe('bytes that are not UTF-8', () => {
  const WRONG: [string, number[]][] = [
    ['a lone continuation byte', [0x80]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['an overlong NUL', [0xe0, 0x80, 0x80]],
    ['half a surrogate pair', [0xed, 0xa0, 0x80]],
    ['a character beyond Unicode', [0xf4, 0x90, 0x80, 0x80]],
    ['the byte 0xff', [0xff]],
    ['a character that never ends', [0xe2, 0x82]],
    ['Latin-1', [0xe9, 0x20]],
  ]
  test.each(WRONG)('%s ends the stream with unsupported-encoding, however it is cut', (_what, bytes) => {
    const xml = Buffer.concat([Buffer.from('<a>x'), Buffer.from(bytes), Buffer.from('y</a>')])
    expect(refusal(() => opened().push(xml)).condition).toBe('unsupported-encoding')
    expect(refusal(() => opened().push(...pieces(xml, 1))).condition).toBe('unsupported-encoding')
  })
})

test('an element alone has nothing around it but white space', () => {
  expect(parseElement(' \r\n<a/>\t').name).toBe('a')
  for (const xml of [
    '',
    ' ',
    'x',
    '<a/>x',
    '<a/><b/>',
    '<a/></a>',
    '</>',
    '</a>',
    '<a>',
    '<a',
    '<a/>&#32;',
    "<?xml version='1.0'?><a/>",
    '\ufeff<a/>',
  ]) {
    expect(
      refusal(() => parseElement(xml)),
      xml,
    ).toBeDefined()
  }
})

test('half a surrogate pair in a string is refused wherever it stands', () => {
  for (const xml of ['<a>\ud800</a>', '<a>\udc00x</a>', "<a b='\ud800'/>", '<a><![CDATA[\udfff]]></a>', '<a\ud800/>', '<a>\ud800']) {
    expect(refusal(() => parseElement(xml)).condition, JSON.stringify(xml)).toBe('not-well-formed')
  }
})

test('a refusal is one readable line that does not repeat what was said', () => {
  const error = refusal(() => new Recording().push("<a b='secret' b='secret'/>"))
  expect(error.message).toMatch(/^[A-Z][ -~]{10,100}$/)
  expect(error.message).not.toContain('secret')
})
