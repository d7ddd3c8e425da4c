/** Documents in SIP bodies: those telephones send, those we send, and those nobody should. */
import { describe, expect, test } from 'vitest'
import { parseDocument, writeDocument } from '../../src/xml/document.ts'
import { el } from '../../src/xml/element.ts'
import { DOCUMENT_LIMITS } from '../../src/xml/limits.ts'
import type { XmlCondition } from '../../src/xml/xml-error.ts'
import { Random, randomTree } from './random.ts'
import { refusal } from './recording.ts'

const NS_PIDF = 'urn:ietf:params:xml:ns:pidf'
const NS_DM = 'urn:ietf:params:xml:ns:pidf:data-model'
const NS_RPID = 'urn:ietf:params:xml:ns:pidf:rpid'

test('the presence document of RFC 4480 with all its prefixes becomes one tree', () => {
  const root = parseDocument(`<?xml version="1.0" encoding="UTF-8"?>
    <!-- from a telephone -->
    <presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"
              xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:someone@example.com">
      <tuple id="bs35r9"><status><basic>open</basic></status>
        <contact priority="0.8">im:someone@mobile.example.net</contact>
        <note xml:lang="en">Don't Disturb <!-- really -->Please!</note></tuple>
      <?telephone x?>
      <dm:person id="p1"><rpid:activities><rpid:away/></rpid:activities></dm:person>
    </presence>`)
  expect(root).toMatchObject({ name: 'presence', ns: NS_PIDF, attrs: ['entity', 'pres:someone@example.com'] })
  const tuple = root.child('tuple')
  expect(tuple?.child('status')?.child('basic')?.text()).toBe('open')
  expect(tuple?.child('note')?.attr('xml:lang')).toBe('en')
  expect(tuple?.child('note')?.children).toEqual(["Don't Disturb Please!"])
  expect(root.child('person', NS_DM)?.child('activities', NS_RPID)?.child('away', NS_RPID)).toBeDefined()
})

test('prefixes may be any, and nested ones count', () => {
  expect(parseDocument('<p:isComposing xmlns:p="u"><p:state q:a="1" xmlns:q="v">active</p:state></p:isComposing>')).toEqual(
    el('isComposing', 'u', {}, el('state', 'u', { '{v}a': '1' }, 'active')),
  )
})

test.each([
  ['a byte order mark', '\ufeff<?xml version="1.0"?><a/>'],
  ['an empty line', '\r\n\r\n<?xml version="1.0"?><a/>'],
  ['a line end after it', '<a/>\r\n'],
])('%s does no harm', (_what, text) => {
  expect(parseDocument(text)).toEqual(el('a', ''))
})

test('characters that XML 1.1 would change stay what they are', () => {
  expect(parseDocument('<a b="\u2028">\x85\u2028\ufffd\ufeff</a>')).toEqual(el('a', '', { b: '\u2028' }, '\x85\u2028\ufffd\ufeff'))
})

test('CDATA and references are the text they stand for', () => {
  expect(parseDocument('<a b="&lt;&#10;&quot;">x<![CDATA[<&>]]>&#x1F600;&amp;</a>')).toEqual(el('a', '', { b: '<\n"' }, 'x<&>😀&'))
})

describe('refused', () => {
  const { documentMaxBytes, depthMax, tagsMax, declarationsMax } = DOCUMENT_LIMITS
  const BAD: [what: string, text: string, condition: XmlCondition][] = [
    ['a document type', '<!DOCTYPE a><a/>', 'restricted-xml'],
    ['an entity that grows', '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>', 'restricted-xml'],
    ['an entity from a file', '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', 'restricted-xml'],
    ['an undefined entity', '<a>&nbsp;</a>', 'not-well-formed'],
    ['nothing', '', 'not-well-formed'],
    ['no XML at all', 'open', 'not-well-formed'],
    ['half a document', '<a><b>', 'not-well-formed'],
    ['two documents', '<a/><b/>', 'not-well-formed'],
    ['text after the end', '<a/>x', 'not-well-formed'],
    ['mismatched tags', '<a><b></a></b>', 'not-well-formed'],
    ['an attribute twice', '<a b="1" b="2"/>', 'not-well-formed'],
    ['an attribute without quotes', '<a b=1/>', 'not-well-formed'],
    ['an unbound prefix', '<p:a/>', 'not-well-formed'],
    ['a control character', '<a>\x01</a>', 'not-well-formed'],
    ['a reference to a control character', '<a>&#1;</a>', 'not-well-formed'],
    ['a reference to NUL in an attribute', '<a b="&#0;"/>', 'not-well-formed'],
    ['half a surrogate pair', '<a>\ud800</a>', 'not-well-formed'],
    ['too many bytes', `<a>${'é'.repeat(documentMaxBytes / 2)}</a>`, 'policy-violation'],
    ['too many tags', `<a>${'<b/>'.repeat(tagsMax)}</a>`, 'policy-violation'],
    ['too deep a tree', '<a>'.repeat(depthMax + 1) + '</a>'.repeat(depthMax + 1), 'policy-violation'],
    ['too many declarations', `<a>${'<b xmlns="u"/>'.repeat(declarationsMax + 1)}</a>`, 'policy-violation'],
  ]
  test.each(BAD)('%s', (_what, text, condition) => {
    const error = refusal(() => parseDocument(text))
    expect(error.condition).toBe(condition)
    expect(error.message).toMatch(/^[A-Z][^\r\n]{5,200}$/)
  })

  test('without a word of what was in it', () => {
    for (const text of ['<a>secret & &secret;</a>', 'secret<a/>', '<a/>secret', '<a b=secret/>']) {
      expect(refusal(() => parseDocument(text)).message).not.toContain('secret')
    }
  })

  test('a document at its limits is not', () => {
    expect(parseDocument('<a>'.repeat(depthMax) + '</a>'.repeat(depthMax))).toBeDefined()
    expect(parseDocument(`<a>${'<b/>'.repeat(tagsMax - 2)}</a>`).children).toHaveLength(tagsMax - 2)
  })
})

describe('written', () => {
  test('a presence document declares what telephones look for by its customary prefix', () => {
    const presence = el(
      'presence',
      NS_PIDF,
      { entity: 'pres:a@b' },
      el(
        'tuple',
        NS_PIDF,
        { id: 't' },
        el('status', NS_PIDF, {}, el('basic', NS_PIDF, {}, 'open'), el('show', 'jabber:client', {}, 'away')),
      ),
      el('person', NS_DM, { id: 'p' }, el('activities', NS_RPID, {}, el('away', NS_RPID))),
    )
    expect(writeDocument(presence)).toBe(
      '<?xml version="1.0" encoding="UTF-8"?>\n' +
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' entity='pres:a@b'>" +
        "<tuple id='t'><status><basic>open</basic><show xmlns='jabber:client'>away</show></status></tuple>" +
        "<dm:person id='p'><rpid:activities><rpid:away/></rpid:activities></dm:person></presence>",
    )
  })

  test('an attribute of such a namespace has its prefix too', () => {
    expect(writeDocument(el('a', 'u', {}, el('b', 'u', { [`{${NS_RPID}}since`]: '1' })))).toContain(
      `xmlns:rpid='${NS_RPID}'><b rpid:since='1'/>`,
    )
  })

  test('a document is read back as the same tree', () => {
    const random = new Random(44)
    for (let i = 0; i < 300; i++) {
      const tree = randomTree(random, 3)
      expect(parseDocument(writeDocument(tree))).toEqual(tree)
    }
  })
})
