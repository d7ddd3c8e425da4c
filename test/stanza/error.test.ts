/** Error stanzas, written and read (RFC 6120 §8.3). */
import { describe, expect, test } from 'vitest'
import { CONDITIONS, type Condition, errorElement, errorReply, mayBeAnswered, readError, StanzaError } from '../../src/stanza/error.ts'
import { stanza, xml } from '../mapping/world.ts'

const question = stanza(
  "<iq type='get' id='q1' from='juliet@example.com/balcony' to='romeo@example.net'><query xmlns='jabber:iq:version'/></iq>",
)

test('an error goes back to the sender, under the id of what failed', () => {
  const reply = errorReply(question, new StanzaError('cancel', 'item-not-found', 'Nobody of that name'))
  expect(reply).toEqual(
    xml(
      "<iq from='romeo@example.net' to='juliet@example.com/balcony' id='q1' type='error'><error type='cancel'>" +
        "<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>" +
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>Nobody of that name</text></error></iq>",
    ),
  )
})

test('a message without an id is answered without one', () => {
  const reply = errorReply(stanza("<message from='a@b.example/c' to='d@e.example'/>"), new StanzaError('wait', 'recipient-unavailable'))
  expect(reply.attr('id')).toBeUndefined()
  expect(reply.attr('type')).toBe('error')
})

describe('every condition of RFC 6120 is written and read back', () => {
  for (const [condition, type] of Object.entries(CONDITIONS)) {
    test(condition, () => {
      const read = readError(errorElement(new StanzaError(type, condition as Condition, 'Why not')))
      expect(read).toMatchObject({ type, condition, text: 'Why not', address: undefined })
    })
  }
})

test('who has moved says where to', () => {
  const read = readError(errorElement(new StanzaError('cancel', 'gone', undefined, 'xmpp:romeo@mantua.example')))
  expect(read).toMatchObject({ condition: 'gone', address: 'xmpp:romeo@mantua.example', text: undefined })
})

describe('an error of somebody else is read generously', () => {
  const S = "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'"
  for (const [what, text, type, condition] of [
    ['without a type', `<error><forbidden ${S}/></error>`, 'auth', 'forbidden'],
    ['with a type nobody knows', `<error type='never'><conflict ${S}/></error>`, 'cancel', 'conflict'],
    ['with a condition nobody knows', `<error type='wait'><out-of-cheese ${S}/></error>`, 'wait', 'undefined-condition'],
    [
      'with a condition of the application first',
      `<error type='modify'><x xmlns='urn:x'/><not-acceptable ${S}/></error>`,
      'modify',
      'not-acceptable',
    ],
    ['with nothing in it', '<error/>', 'cancel', 'undefined-condition'],
    ['with a condition named like a method of objects', `<error><constructor ${S}/></error>`, 'cancel', 'undefined-condition'],
  ] as const) {
    test(what, () => expect(readError(xml(text))).toMatchObject({ type, condition }))
  }
})

describe('an error is never answered with an error', () => {
  for (const [text, may] of [
    ["<message type='error' from='a@b' to='c@d'/>", false],
    ["<message type='chat' from='a@b' to='c@d'/>", true],
    ["<iq type='result' id='1' from='a@b' to='c@d'/>", false],
    ["<iq type='error' id='1' from='a@b' to='c@d'/>", false],
    ["<iq type='set' id='1' from='a@b' to='c@d'/>", true],
    ["<presence type='error' from='a@b' to='c@d'/>", false],
  ] as const) {
    test(text, () => expect(mayBeAnswered(stanza(text))).toBe(may))
  }
})
