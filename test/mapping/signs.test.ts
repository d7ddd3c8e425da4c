import { describe, expect, test } from 'vitest'
import { type HopPolicy, RefusedError } from '../../src/core/port.ts'
import { readComposing } from '../../src/mapping/composing.ts'
import { readImdn } from '../../src/mapping/imdn.ts'
import { idOf, messageIdOf } from '../../src/mapping/message-id.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { fromRomeo, making, STRANGER, stanza, TELEPHONE } from './world.ts'

const ALL: HopPolicy = { ...TELEPHONE, reads: { composing: true, cpim: true, imdn: true } }
const NONE: HopPolicy = { ...TELEPHONE, reads: { composing: false, cpim: false, imdn: false } }
const CHAT_STATES = 'http://jabber.org/protocol/chatstates'

const message = (children: string, attrs = "type='chat' id='m1'") =>
  stanza(`<message from='juliet@example.com/balcony' to='romeo@example.net' ${attrs}>${children}</message>`)

function refusalOf(children: string, hop: HopPolicy, attrs?: string): number {
  try {
    toSignal(message(children, attrs), making).requestFor(hop)
  } catch (cause) {
    if (cause instanceof RefusedError) return cause.status
    throw cause
  }
  return 200
}

describe('a telephone gets nothing, and its user sees no XML, of', () => {
  for (const [what, children, hop] of [
    ['gone, whatever it reads', `<gone xmlns='${CHAT_STATES}'/>`, ALL],
    ['a chat state it has not shown to read', `<composing xmlns='${CHAT_STATES}'/>`, TELEPHONE],
    [
      'a chat state where it reads other things',
      `<composing xmlns='${CHAT_STATES}'/>`,
      { ...NONE, reads: { composing: false, cpim: true, imdn: true } },
    ],
    ['a receipt it has not asked for', "<received xmlns='urn:xmpp:receipts' id='x'/>", ALL],
    ['a marker it has not asked for', "<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>", ALL],
    ['a receipt without an id', "<received xmlns='urn:xmpp:receipts'/>", ALL],
    ['a reaction', "<reactions xmlns='urn:xmpp:reactions:0' id='m0'><reaction>👍</reaction></reactions>", ALL],
    ['a retraction without words', "<retract xmlns='urn:xmpp:message-retract:1' id='m0'/>", ALL],
    ['keys that come without a message', "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>", ALL],
    ['a link without an address', "<x xmlns='jabber:x:oob'><desc>nothing</desc></x>", ALL],
  ] as const)
    test(what, () => expect(refusalOf(children, hop)).toBe(415))

  test('and a stranger behind a next hop neither', () => expect(refusalOf(`<composing xmlns='${CHAT_STATES}'/>`, STRANGER)).toBe(415))

  test('an error about what nobody asked for', () => expect(refusalOf("<error type='cancel'/>", ALL, "type='error' id='m1'")).toBe(415))
})

test('a receipt is never asked for in a receipt', () => {
  const hop = { ...ALL }
  const asking = {
    ...making,
    askedFor: () => ({
      wishes: new Set(['positive-delivery'] as const),
      messageId: 'x',
      dateTime: undefined,
      routes: [],
      recipient: undefined,
    }),
  }
  const told = message("<received xmlns='urn:xmpp:receipts' id='x'/><request xmlns='urn:xmpp:receipts'/>")
  const body = toSignal(told, asking).requestFor(hop).body.toString()
  expect(body).toContain('message/imdn+xml')
  expect(body).not.toContain('Disposition-Notification')
})

describe('the id of a stanza is a Message-ID', () => {
  for (const [id, messageId] of [
    ['richard2-4.1.247', 'richard2-4.1.247'],
    ['744f6e18-a57a-11e9-a656-4889e7820c76', '744f6e18-a57a-11e9-a656-4889e7820c76'],
    ['a b', 'stox.YSBi'],
    ['Γειά', 'stox.zpPOtc65zqw'],
    ['line\nbreak: x', 'stox.bGluZQpicmVhazogeA'],
    ['stox.YSBi', 'stox.c3RveC5ZU0Jp'],
  ] as const)
    test(JSON.stringify(id), () => {
      expect(messageIdOf(id)).toBe(messageId)
      expect(idOf(messageId)).toBe(id)
    })

  test('none where it is too long to come back', () => {
    expect(messageIdOf('x'.repeat(128))).toBeDefined()
    expect(messageIdOf('x'.repeat(129))).toBeUndefined()
  })

  test('and one of another that only looks like ours is left alone', () => {
    expect(idOf('stox.')).toBe('stox.')
    expect(idOf('stox.!!')).toBe('stox.!!')
    expect(idOf('stox.YWJj')).toBe('stox.YWJj')
  })
})

describe('an isComposing document', () => {
  const document = (inner: string) => `<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'>${inner}</isComposing>`

  for (const [inner, state, refreshSeconds] of [
    ['<state>active</state><refresh>90</refresh>', 'active', 90],
    ['<state> active </state>', 'active', 120],
    ['<state>active</state><refresh>0</refresh>', 'active', 120],
    ['<state>active</state><refresh>-5</refresh>', 'active', 120],
    ['<state>active</state><refresh>99999999</refresh>', 'active', 600],
    ['<state>idle</state>', 'idle', 120],
    ['<state>thinking</state>', 'idle', 120],
    ['', 'idle', 120],
  ] as const)
    test(`${inner || 'without a state'} is ${state}, for ${refreshSeconds} s`, () =>
      expect(readComposing(document(inner))).toEqual({ state, refreshSeconds }))

  for (const bad of ['', 'typing', '<state>active</state>', '<isComposing/>', '<!DOCTYPE x [<!ENTITY a "b">]><isComposing/>'])
    test(`${bad || 'nothing'} is none: 400`, () => expect(() => readComposing(bad)).toThrow(RefusedError))
})

describe('an IMDN', () => {
  const document = (inner: string) => `<imdn xmlns='urn:ietf:params:xml:ns:imdn'>${inner}</imdn>`
  const about = '<message-id>34jk324j</message-id><datetime>2026-07-01T12:00:00Z</datetime>'

  for (const [kind, status] of [
    ['processing', 'processed'],
    ['processing', 'stored'],
    ['delivery', 'forbidden'],
    ['delivery', 'error'],
    ['display', 'forbidden'],
    ['display', 'error'],
  ] as const)
    test(`that says ${kind}: ${status} is taken and told to nobody`, () => {
      const text = document(`${about}<${kind}-notification><status><${status}/></status></${kind}-notification>`)
      expect(readImdn(text)).toEqual({ kind, status, messageId: '34jk324j' })
      const signal = fromRomeo({ 'Content-Type': 'message/imdn+xml' }, text)
      expect(() => toStanza(signal, making)).toThrow(expect.objectContaining({ status: 200 }))
    })

  for (const bad of [document(about), document('<delivery-notification/>'), '<imdn/>', 'delivered'])
    test(`${bad} is none: 400`, () => expect(() => readImdn(bad)).toThrow(expect.objectContaining({ status: 400 })))
})
