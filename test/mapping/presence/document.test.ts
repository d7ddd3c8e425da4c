/** Presence documents as they are written, and that they come back. */
import { describe, expect, test } from 'vitest'
import { Jid } from '../../../src/address/jid.ts'
import { SipUri } from '../../../src/address/sip-uri.ts'
import type { Document } from '../../../src/core/subscriptions/port.ts'
import { PRESENCE_LIMITS } from '../../../src/mapping/presence/limits.ts'
import { type DocumentOptions, presenceDocument, presUri } from '../../../src/mapping/presence/presence-document.ts'
import { presencesIn } from '../../../src/mapping/presence/presences-in.ts'
import { decimalOf, priorityIn, priorityOf } from '../../../src/mapping/presence/priority.ts'
import { resourceOf, tupleId } from '../../../src/mapping/presence/tuple-id.ts'
import { NS_CLIENT } from '../../../src/stanza/stanza.ts'
import { parseDocument } from '../../../src/xml/document.ts'
import { el } from '../../../src/xml/element.ts'
import { write } from '../../../src/xml/write.ts'
import { NOW, xml } from '../world.ts'

const juliet = Jid.parse('juliet@example.com')
const romeo = Jid.parse('romeo@example.net')
const uri = SipUri.parse('sip:juliet@example.com')

const PIDF = 'application/pidf+xml'
const pidf = (text: string): Document => ({ contentType: PIDF, body: Buffer.from(text) })
const made = (presences: string[], options: DocumentOptions = { aggregate: 'most-available' }): string =>
  presenceDocument(uri, presences.map(xml), NOW, options).body.toString()

const from = (resource: string, children = '', type = ''): string =>
  `<presence from='juliet@example.com/${resource}'${type && ` type='${type}'`}>${children}</presence>`

/** Read again as another gateway would. */
const back = (presences: string[], options?: DocumentOptions): string[] =>
  presencesIn(pidf(made(presences, options)), juliet, romeo).map((stanza) => write(stanza.xml.withAttr('to', undefined), NS_CLIENT))

describe('what a document says of each device', () => {
  test('the whole form', () => {
    const text = made([
      from(
        'balcony',
        "<show>xa</show><status xml:lang='en'>Gone</status><status xml:lang='ar'>هنا</status><priority>1</priority><idle xmlns='urn:xmpp:idle:1' since='2026-07-01T11:00:00Z'/>",
      ),
    ])
    expect(text).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' entity='pres:juliet@example.com'>` +
        `<tuple id='ID-balcony'><status><basic>open</basic><show xmlns='jabber:client'>xa</show></status><rpid:user-input last-input='2026-07-01T11:00:00Z'>idle</rpid:user-input>` +
        `<contact priority='0.007'>sip:juliet@example.com;gr=balcony</contact><note xml:lang='en'>Gone</note><note xml:lang='ar'>هنا</note><timestamp>2026-07-01T12:00:00Z</timestamp></tuple>` +
        `<dm:person id='person'><rpid:activities><rpid:away/></rpid:activities></dm:person></presence>`,
    )
  })

  test.each([
    ['', 'open', undefined],
    ['<show>chat</show>', 'open', undefined],
    ['<show>away</show>', 'open', 'away'],
    ['<show>xa</show>', 'open', 'away'],
    ['<show>dnd</show>', 'open', 'busy'],
    ['<show>nonsense</show>', 'open', undefined],
  ])('%s is %s with activity %s', (show, basic, activity) => {
    const text = made([from('a', show)])
    expect(text).toContain(`<basic>${basic}</basic>`)
    expect(/<rpid:activities><rpid:(\w+)\/>/.exec(text)?.[1]).toBe(activity)
  })

  test.each([
    '',
    '<show>chat</show>',
    '<show>away</show>',
    '<show>xa</show>',
    '<show>dnd</show>',
    "<status xml:lang='de'>Fort</status><status>Gone</status>",
    '<priority>0</priority>',
    '<priority>127</priority>',
    "<show>away</show><status>a &lt; b</status><priority>50</priority><idle xmlns='urn:xmpp:idle:1' since='2026-07-01T11:00:00Z'/>",
  ])('%s comes back as it went', (children) => {
    expect(back([from('balcony', children)])).toEqual([
      children === '' ? "<presence from='juliet@example.com/balcony'/>" : from('balcony', children),
    ])
  })

  test('a negative priority is not told', () => {
    expect(made([from('a', '<priority>-5</priority>')])).toContain('<contact>')
  })

  test('who is gone is closed, with the words that were left', () => {
    expect(back([from('a', '<show>away</show><status>Bye</status><priority>4</priority>', 'unavailable')])).toEqual([
      from('a', '<status>Bye</status>', 'unavailable'),
    ])
  })

  test('nobody at all is one closed tuple', () => {
    expect(made([])).toContain("<tuple id='ID'><status><basic>closed</basic></status>")
    expect(back([])).toEqual(["<presence from='juliet@example.com' type='unavailable'/>"])
  })

  test('each device has a tuple, those that stand for all first, those that are gone last', () => {
    const all = [from('gone', '', 'unavailable'), from('busy', '<show>dnd</show>'), from('free'), from('out', '<show>xa</show>')]
    const order = (aggregate: DocumentOptions['aggregate']): string[] =>
      [...made(all, { aggregate }).matchAll(/tuple id='ID-(\w+)'/g)].map(([, id]) => id ?? '')
    expect(order('most-available')).toEqual(['free', 'out', 'busy', 'gone'])
    expect(order('busy-wins')).toEqual(['busy', 'free', 'out', 'gone'])
    expect(made(all)).not.toContain('rpid:')
    expect(made(all, { aggregate: 'busy-wins' })).toContain('<rpid:busy/>')
  })

  test('when a device came into its state is its timestamp', () => {
    expect(made([from('a', "<delay xmlns='urn:xmpp:delay' stamp='2026-06-30T08:00:00Z'/>")])).toContain(
      '<timestamp>2026-06-30T08:00:00Z</timestamp>',
    )
  })

  test('a status that is a book is cut for telephones, and a hundred devices are enough', () => {
    const text = made([from('a', `<status>${'x'.repeat(100_000)}</status>`)])
    expect(text.length).toBeLessThan(2_000)
    expect(text).toContain('…</note>')
    const crowd = made(Array.from({ length: 300 }, (_, i) => from(`d${i}`)))
    expect(crowd.match(/<tuple /g)?.length).toBe(PRESENCE_LIMITS.tuples)
    expect(presencesIn(pidf(crowd), juliet, romeo).length).toBe(PRESENCE_LIMITS.tuples)
  })

  test('text that is no XML does not break the document', () => {
    const presence = el(
      'presence',
      NS_CLIENT,
      { from: 'juliet@example.com/a' },
      el('status', NS_CLIENT, { 'xml:lang': `en' onload='` }, '</note>\0<x/>'),
    )
    const text = presenceDocument(uri, [presence], NOW, { aggregate: 'most-available' }).body.toString()
    expect(parseDocument(text).child('tuple')?.child('note')?.text()).toBe('</note>\ufffd<x/>')
  })

  test.each([
    ['sip:juliet@example.com:5070;gr=x', 'pres:juliet@example.com'],
    ['sip:o(m)g,a@h.example', 'pres:o%28m%29g%2Ca@h.example'],
    ['sip:f%C3%BC.b@h.example', 'pres:f%C3%BC.b@h.example'],
    ['sip:h.example', 'pres:h.example'],
  ])('%s is the presentity %s', (text, wanted) => {
    expect(presUri(SipUri.parse(text))).toBe(wanted)
  })
})

describe('resources are tuple ids and back', () => {
  test.each([
    ['yn0cl4bnw0yr3vym', 'ID-yn0cl4bnw0yr3vym'],
    ['1', 'ID-1'],
    ['a b', 'ID-a_x20b'],
    ['_x20', 'ID-_x5Fx20'],
    ['ü', 'ID-_xC3_xBC'],
    ['نافذة', 'ID-_xD9_x86_xD8_xA7_xD9_x81_xD8_xB0_xD8_xA9'],
    ['🌹/"<&', 'ID-_xF0_x9F_x8C_xB9_x2F_x22_x3C_x26'],
    ['ID', 'ID-ID'],
  ])('%s', (resource, id) => {
    expect(tupleId(resource)).toBe(id)
    expect(/^[A-Za-z_][A-Za-z0-9._-]*$/.test(id)).toBe(true)
    expect(resourceOf(id, juliet)).toBe(resource)
  })

  test("others' ids are resources as they stand, and those no resource can be have a stable one", () => {
    expect(resourceOf('t4109', juliet)).toBe('t4109')
    expect(resourceOf('ID-', juliet)).toBe('ID-')
    expect(resourceOf('ID-_xFF', juliet)).toBe('_xFF')
    expect(resourceOf(tupleId(undefined), juliet)).toBe(undefined)
    for (const id of ['a\u0000b', 'x'.repeat(2_000)]) expect(resourceOf(id, juliet)).toMatch(/^[\w-]{16}$/)
  })
})

describe('priorities', () => {
  test("the RFC's own examples", () => {
    expect([0, 1, 2, 126, 127].map(decimalOf)).toEqual(['0', '0.007', '0.015', '0.992', '1'])
  })
  test('each of the 128 comes back, and no two are alike', () => {
    const decimals = Array.from({ length: 128 }, (_, p) => decimalOf(p))
    expect(decimals.map(priorityOf)).toEqual(Array.from({ length: 128 }, (_, p) => p))
    expect(new Set(decimals).size).toBe(128)
  })
  test.each([
    ['1.00', 127],
    ['.5', 64],
    ['0.', 0],
    [' 0.021 ', 3],
  ])('%s is %i', (text, value) => {
    expect(priorityOf(text)).toBe(value)
  })
  test.each(['NaN', '', '2', '-0.5', '1.1', '1e-3', 'Infinity', '0x1', '0,5', '0.1.2'])('%s is as good as absent', (text) => {
    expect(priorityOf(text)).toBe(undefined)
  })
  test.each(['-129', '128', '1.5', '', 'x', '00', '--1'])('%s is no priority of a stanza', (text) => {
    expect(priorityIn(text)).toBe(undefined)
  })
})
