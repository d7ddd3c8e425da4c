/** Presence documents as others write them. */
import { describe, expect, test } from 'vitest'
import { Jid } from '../../../src/address/jid.ts'
import { RefusedError } from '../../../src/core/port.ts'
import type { Document } from '../../../src/core/subscriptions/port.ts'
import { PRESENCE_LIMITS } from '../../../src/mapping/presence/limits.ts'
import { presencesIn } from '../../../src/mapping/presence/presences-in.ts'
import { NS_CLIENT } from '../../../src/stanza/stanza.ts'
import { write } from '../../../src/xml/write.ts'
import { NOW } from '../world.ts'

const juliet = Jid.parse('juliet@example.com')
const romeo = Jid.parse('romeo@example.net')
const PIDF = 'application/pidf+xml'
const pidf = (text: string): Document => ({ contentType: PIDF, body: Buffer.from(text) })
const tuples = (inner: string, more = ''): Document =>
  pidf(
    `<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' entity='pres:romeo@example.net'>${inner}${more}</presence>`,
  )
const open = (inner = '', id = 'ID-orchard'): string => `<tuple id='${id}'><status><basic>open</basic></status>${inner}</tuple>`

const read = (document: Document, options = {}): string[] =>
  presencesIn(document, romeo, juliet, options).map((stanza) => write(stanza.xml, NS_CLIENT))
/** `$` is where the addresses end. */
const stanzas = (inner: string[]): string[] =>
  inner.map((text) => `<presence from='romeo@example.net/${text.replace('$', () => "' to='juliet@example.com'")}`)

const status = (document: Document): number => {
  try {
    presencesIn(document, romeo, juliet)
  } catch (cause) {
    if (cause instanceof RefusedError) return cause.status
    throw cause
  }
  return 200
}

test('a change that is not of now says when it was', () => {
  const changed = tuples(open('<timestamp>2026-07-01T11:00:00Z</timestamp>'))
  expect(read(changed, { now: NOW })[0]).toContain("<delay xmlns='urn:xmpp:delay' from='example.net' stamp='2026-07-01T11:00:00Z'/>")
  expect(read(changed, { now: new Date('2026-07-01T11:00:05Z') })[0]).not.toContain('delay')
  expect(read(changed)[0]).not.toContain('delay')
})

describe('activities', () => {
  const show = (inner: string): string | undefined =>
    /<show>(\w+)/.exec(read(tuples(open(), `<dm:person id='p'><r:activities>${inner}</r:activities></dm:person>`))[0] ?? '')?.[1]
  test.each([
    ['away in-transit meal breakfast lunch dinner shopping steering', 'away'],
    ['holiday vacation permanent-absence sleeping travel', 'xa'],
    ['busy meeting appointment presentation performance worship on-the-phone', 'dnd'],
    ['playing spectator tv working looking-for-work other unknown', undefined],
  ])('%s', (activities, wanted) => {
    for (const activity of activities.split(' ')) expect([activity, show(`<r:${activity}/>`)]).toEqual([activity, wanted])
  })
  test('of several the one that disturbs least', () => {
    expect(show('<r:away/><r:vacation/><r:meeting/><r:tv/>')).toBe('dnd')
  })
  test("a tuple's own state is before the person's, and <show/> before both", () => {
    const person = '<dm:person id="p"><r:activities><r:busy/></r:activities></dm:person>'
    expect(read(tuples(open('<r:activities><r:vacation/></r:activities>'), person))[0]).toContain('<show>xa</show>')
    const written = "<tuple id='x'><status><basic>open</basic><show xmlns='jabber:client'>chat</show></status></tuple>"
    expect(read(tuples(written, person))[0]).toContain('<show>chat</show>')
  })
})

describe('documents nobody should have written', () => {
  const many = (count: number): string => Array.from({ length: count }, (_, i) => open('', `t${i}`)).join('')
  test.each([
    ['no XML', pidf('presence'), 400],
    ['another root', pidf("<conference-info xmlns='urn:ietf:params:xml:ns:conference-info'/>"), 400],
    ['another namespace', pidf("<presence xmlns='jabber:client'/>"), 400],
    [
      'an entity that grows',
      pidf(`<!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><presence xmlns='urn:ietf:params:xml:ns:pidf'>&b;</presence>`),
      400,
    ],
    [
      'a file of ours',
      pidf(`<!DOCTYPE p [<!ENTITY a SYSTEM "file:///etc/passwd">]><presence xmlns='urn:ietf:params:xml:ns:pidf'>&a;</presence>`),
      400,
    ],
    ['not UTF-8', { contentType: PIDF, body: Buffer.from([0x3c, 0xff, 0x3e]) }, 400],
    ['too deep', tuples('<a>'.repeat(100) + '</a>'.repeat(100)), 400],
    ['too long', tuples(`<note>${'x'.repeat(70_000)}</note>`), 400],
    ['thousands of tuples', tuples(many(PRESENCE_LIMITS.tuples + 1)), 400],
    ['as many tuples as may be', tuples(many(PRESENCE_LIMITS.tuples)), 200],
    ['another type', { contentType: 'application/xpidf+xml', body: Buffer.from('<presence/>') }, 415],
    ['no type', { contentType: '', body: Buffer.from('<presence/>') }, 415],
    [
      'a multipart without it',
      { contentType: 'multipart/mixed;boundary=b', body: Buffer.from('--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b--') },
      415,
    ],
  ])('%s', (_what, document, wanted) => {
    expect(status(document as Document)).toBe(wanted)
  })

  test('a document among other parts is found', () => {
    const body = `--b\r\nContent-Type: text/plain\r\n\r\nhi\r\n--b\r\nContent-Type: application/pidf+xml\r\nContent-Transfer-Encoding: base64\r\n\r\n${tuples(open()).body.toString('base64')}\r\n--b--`
    expect(read({ contentType: 'multipart/related;boundary=b;type="application/pidf+xml"', body: Buffer.from(body) })).toEqual(
      stanzas(['orchard$/>']),
    )
  })

  test('nobody speaks for somebody else: the entity is not believed', () => {
    const text = tuples(open()).body.toString().replace('pres:romeo@example.net', 'pres:tybalt@example.net')
    expect(read(pidf(text))).toEqual(stanzas(['orchard$/>']))
  })

  test('an id that comes twice is one device, one without an id is one too', () => {
    expect(
      read(
        tuples(
          "<tuple id='a'><status><basic>closed</basic></status></tuple>" +
            open('', 'a') +
            '<tuple><status><basic>open</basic></status></tuple>',
        ),
      ),
    ).toEqual(stanzas(['a$/>', 'unnamed$/>']))
  })

  test.each([
    ['<tuple id="a"/>', false],
    ['<tuple id="a"><status/></tuple>', false],
    ['<tuple id="a"><status><basic/></status></tuple>', false],
    ['<tuple id="a"><status><basic> Open\n</basic></status></tuple>', true],
    ['<tuple id="a"><status><basic>maybe</basic></status></tuple>', false],
    ["<tuple id='a'><status><show xmlns='jabber:client'>away</show></status></tuple>", true],
    ["<tuple id='a'><status><basic>open</basic><e:extended xmlns:e='urn:x'>offline</e:extended></status></tuple>", false],
  ])('%s: is somebody there? %s', (tuple, isThere) => {
    expect(read(tuples(tuple))[0]?.includes('unavailable')).toBe(!isThere)
  })

  test('no tuple at all is somebody who is offline', () => {
    expect(read(tuples(''))).toEqual(["<presence from='romeo@example.net' to='juliet@example.com' type='unavailable'/>"])
  })

  test('notes of one language are one status, others have their own; where none is named the header field is asked', () => {
    const notes = "<note>one</note><note>two</note><note xml:lang='de'>eins</note><note>one</note><note> </note>"
    expect(read(tuples(open(notes)))[0]).toContain("<status>one\ntwo</status><status xml:lang='de'>eins</status>")
    expect(read(tuples(open(notes)), { language: 'en, fr' })[0]).toContain("xml:lang='en'><status>one\ntwo</status><status xml:lang='de'>")
  })
})
