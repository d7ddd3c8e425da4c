/** Calls as documents (RFC 4235), and what they are to XMPP. */
import { describe, expect, test } from 'vitest'
import { Jid } from '../../../src/address/jid.ts'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { RefusedError } from '../../../src/core/port.ts'
import type { Document } from '../../../src/core/subscriptions/port.ts'
import { callStateOf, type Dialog, dialogDocument, dialogsAfter } from '../../../src/mapping/presence/dialog-info.ts'
import { PRESENCE_LIMITS } from '../../../src/mapping/presence/limits.ts'
import { presenceDocument } from '../../../src/mapping/presence/presence-document.ts'
import { presencesIn } from '../../../src/mapping/presence/presences-in.ts'
import { callIn, duringCall, type TelephoneState, telephonePresence } from '../../../src/mapping/presence/telephone.ts'
import type { AccountCall } from '../../../src/sip/port.ts'
import { NS_CLIENT } from '../../../src/stanza/stanza.ts'
import { write } from '../../../src/xml/write.ts'
import { NOW, xml } from '../world.ts'

const romeo = SipUri.parse('sip:romeo@example.net')
const call: AccountCall = {
  id: 'call-7',
  aor: 'romeo@example.net',
  direction: 'recipient',
  state: 'early',
  callId: `a"b'c@x`,
  localTag: 'lt',
  remoteTag: undefined,
  remote: { uri: 'sip:juliet@example.com', name: 'Juliet <&>\r\nC' },
  since: 0,
}

const document = (inner: string, attrs = "version='0' state='full'"): Document => ({
  contentType: 'application/dialog-info+xml',
  body: Buffer.from(
    `<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' ${attrs} entity='sip:romeo@example.net'>${inner}</dialog-info>`,
  ),
})
const dialog = (id: string, state: string, attrs = ''): string => `<dialog id='${id}' ${attrs}><state>${state}</state></dialog>`
const states = (next: { table: { rows: ReadonlyMap<string, Dialog> } }): string[] =>
  [...next.table.rows.values()].map(({ id, state }) => `${id} ${state}`)

describe('the calls of an account as a document', () => {
  test('a call that rings', () => {
    expect(dialogDocument(romeo, [call], 3).body.toString()).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='3' state='full' entity='sip:romeo@example.net'>` +
        `<dialog id='call-7' call-id='a"b&apos;c@x' local-tag='lt' direction='recipient'><state>early</state>` +
        `<local><identity>sip:romeo@example.net</identity><target uri='sip:romeo@example.net'/></local>` +
        `<remote><identity display='Juliet &lt;&amp;&gt; C'>sip:juliet@example.com</identity><target uri='sip:juliet@example.com'/></remote></dialog></dialog-info>`,
    )
  })

  test('one that is over says why', () => {
    expect(dialogDocument(romeo, [{ ...call, state: 'terminated', ended: 'remote-bye' }], 4).body.toString()).toContain(
      "<state event='remote-bye'>terminated</state>",
    )
  })

  test('no call at all puts the lamp out', () => {
    const idle = dialogDocument(romeo, [], 5)
    expect(idle.body.toString()).toContain("<dialog id='none'><state>terminated</state></dialog>")
    expect(states(dialogsAfter(undefined, idle))).toEqual([])
  })

  test('who watches without leave to see the other side does not see it', () => {
    expect(dialogDocument(romeo, [{ ...call, remote: undefined }], 0).body.toString()).not.toContain('juliet')
  })

  test('what was written is read', () => {
    const [read] = dialogsAfter(undefined, dialogDocument(romeo, [call], 0)).table.rows.values()
    const { id, direction, state, callId, localTag } = call
    expect(read).toEqual({
      id,
      direction,
      state,
      callId,
      localTag,
      remoteTag: undefined,
      ended: undefined,
      remote: { uri: call.remote.uri, name: 'Juliet <&> C' },
    })
  })
})

describe('the calls a PBX tells of', () => {
  test("the RFC's sample", () => {
    const inner = `<dialog id="123456"><state>confirmed</state><duration>274</duration><local><identity display="Alice">sip:alice@example.com</identity><target uri="sip:alice@pc33.example.com"><param pname="isfocus" pval="true"/></target></local><remote><identity display="Bob">sip:bob@example.org</identity><target uri="sip:bobster@phone21.example.org"/></remote></dialog>`
    const [found] = dialogsAfter(undefined, document(inner, 'version="1" state="full"')).table.rows.values()
    expect([found?.state, found?.remote]).toEqual(['confirmed', { uri: 'sip:bob@example.org', name: 'Bob' }])
  })

  test('a whole document replaces what was known, a part of one changes it', () => {
    const first = dialogsAfter(undefined, document(dialog('a', 'early') + dialog('b', 'confirmed')))
    expect(states(first)).toEqual(['a early', 'b confirmed'])
    const second = dialogsAfter(
      first.table,
      document(dialog('a', 'confirmed') + dialog('b', 'terminated') + dialog('c', 'trying'), "version='1' state='partial'"),
    )
    expect([states(second), second.hasGap]).toEqual([['a confirmed', 'c trying'], false])
    const third = dialogsAfter(second.table, document(dialog('d', 'early'), "version='2' state='full'"))
    expect(states(third)).toEqual(['d early'])
  })

  test('an older document changes nothing', () => {
    const newer = dialogsAfter(undefined, document(dialog('a', 'confirmed'), "version='7' state='full'"))
    expect(dialogsAfter(newer.table, document('', "version='6' state='full'")).table).toBe(newer.table)
    expect(dialogsAfter(newer.table, document('', "version='7' state='partial'")).table).toBe(newer.table)
  })

  test.each([
    ["version='9' state='partial'", true],
    ["version='8' state='partial'", false],
    ["version='9' state='full'", false],
  ])('after version 7 a document of %s misses something: %s', (attrs, hasGap) => {
    const { table } = dialogsAfter(undefined, document('', "version='7' state='full'"))
    expect(dialogsAfter(table, document('', attrs)).hasGap).toBe(hasGap)
  })

  test('a first document that is a part of something misses the rest', () => {
    expect(dialogsAfter(undefined, document(dialog('a', 'early'), "version='0' state='partial'")).hasGap).toBe(true)
  })

  test('a PBX that never counts is understood', () => {
    const first = dialogsAfter(undefined, document(dialog('a', 'early')))
    expect(states(dialogsAfter(first.table, document(dialog('a', 'confirmed'))))).toEqual(['a confirmed'])
  })

  test.each([
    ['no XML', { contentType: 'application/dialog-info+xml', body: Buffer.from('x') }, 400],
    ['another root', { contentType: 'application/dialog-info+xml', body: Buffer.from('<a/>') }, 400],
    ['another type', { contentType: 'application/pidf+xml', body: Buffer.from('<a/>') }, 415],
    ['too many calls', document(Array.from({ length: PRESENCE_LIMITS.dialogs + 1 }, (_, i) => dialog(`d${i}`, 'early')).join('')), 400],
  ])('%s', (_what, given, status) => {
    expect(() => dialogsAfter(undefined, given as Document)).toThrow(RefusedError)
    expect(() => dialogsAfter(undefined, given as Document)).toThrow(expect.objectContaining({ status }))
  })

  test('parts cannot make a table grow for ever', () => {
    let table = dialogsAfter(undefined, document('')).table
    const grow = (): void => {
      for (let v = 1; v < 200; v++) table = dialogsAfter(table, document(dialog(`d${v}`, 'early'), `version='${v}' state='partial'`)).table
    }
    expect(grow).toThrow(RefusedError)
    expect(table.rows.size).toBe(PRESENCE_LIMITS.dialogs)
  })

  test('dialogs without an id or a known state are nobody', () => {
    expect(
      states(dialogsAfter(undefined, document(`<dialog><state>early</state></dialog><dialog id="a"/>${dialog('b', 'dancing')}`))),
    ).toEqual([])
  })
})

describe('what a call is to who looks', () => {
  test.each([
    [[], undefined],
    [['recipient early'], 'ringing'],
    [['recipient trying'], 'ringing'],
    [['recipient confirmed'], 'on-the-phone'],
    [['initiator trying'], 'on-the-phone'],
    [['initiator early'], 'on-the-phone'],
    [['recipient early', 'initiator confirmed'], 'on-the-phone'],
    [['recipient terminated'], undefined],
    [['initiator terminated', 'recipient early'], 'ringing'],
  ])('%j is %s', (calls, wanted) => {
    const given = calls.map((text) => {
      const [direction, state] = text.split(' ')
      return { direction, state } as Pick<Dialog, 'state' | 'direction'>
    })
    expect(callStateOf(given)).toBe(wanted)
  })

  const phone = Jid.parse('romeo@example.net/phone')
  test.each<[TelephoneState, string]>([
    ['registered', "<presence from='romeo@example.net/phone'/>"],
    ['ringing', "<presence from='romeo@example.net/phone'><show>away</show><status xml:lang='en'>Ringing</status></presence>"],
    ['on-the-phone', "<presence from='romeo@example.net/phone'><show>dnd</show><status xml:lang='en'>On the phone</status></presence>"],
    ['do-not-disturb', "<presence from='romeo@example.net/phone'><show>dnd</show><status xml:lang='en'>Do not disturb</status></presence>"],
    ['offline', "<presence from='romeo@example.net/phone' type='unavailable'/>"],
  ])('a telephone that is %s', (state, wanted) => {
    expect(write(telephonePresence(phone, state), NS_CLIENT)).toBe(wanted)
  })

  test.each(['ringing', 'on-the-phone'] as const)('%s is still that after a document between two gateways', (state) => {
    const sent = presenceDocument(romeo, [telephonePresence(phone, state)], NOW, { aggregate: 'most-available' })
    const [read] = presencesIn(sent, phone, Jid.parse('juliet@example.com'))
    expect(read && callIn(read.xml)).toBe(state)
    expect(sent.body.toString().includes('<rpid:on-the-phone/>')).toBe(state === 'on-the-phone')
  })

  test('a call stands before what was published, and the rest stays', () => {
    const published = xml(
      "<presence from='romeo@example.net/phone'><show>xa</show><status>Lunch</status><priority>3</priority><x xmlns='urn:x'/></presence>",
    )
    expect(write(duringCall(published, 'ringing'), NS_CLIENT)).toBe(
      "<presence from='romeo@example.net/phone'><show>away</show><status xml:lang='en'>Ringing</status><priority>3</priority><x xmlns='urn:x'/></presence>",
    )
  })
})
