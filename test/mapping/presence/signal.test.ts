/** Presence stanzas as SUBSCRIBE and NOTIFY, and back from the wire without loss. */
import { describe, expect, test } from 'vitest'
import { PlainAnswer } from '../../../src/core/answer.ts'
import { LOOPBACK, Loopback } from '../../../src/core/loopback.ts'
import type { HopPolicy, Signal } from '../../../src/core/port.ts'
import { RefusedError } from '../../../src/core/port.ts'
import { answerFor } from '../../../src/mapping/answer.ts'
import { toReply } from '../../../src/mapping/reply.ts'
import { toSignal } from '../../../src/mapping/signal.ts'
import { toStanza } from '../../../src/mapping/stanza.ts'
import { mayBeAnswered, StanzaError } from '../../../src/stanza/error.ts'
import { NS_CLIENT, Stanza } from '../../../src/stanza/stanza.ts'
import type { Element } from '../../../src/xml/element.ts'
import { el } from '../../../src/xml/element.ts'
import { write } from '../../../src/xml/write.ts'
import { CORE, fromRomeo, making, NOW, noise, STRANGER, stanza, TELEPHONE, TRUSTED, UNTRUSTED } from '../world.ts'

const presence = (attrs: string, children = ''): Stanza =>
  stanza(`<presence from='juliet@example.com/balcony' to='romeo@example.net' ${attrs}>${children}</presence>`)

/** Attributes and children of a stanza have no order. */
function sorted(element: Element): unknown {
  const attrs: string[] = []
  for (let i = 0; i < element.attrs.length; i += 2) attrs.push(`${element.attrs[i]}=${element.attrs[i + 1]}`)
  return [
    element.name,
    attrs.toSorted(),
    element
      .elements()
      .map((child) => write(child, NS_CLIENT))
      .toSorted(),
  ]
}

/** What is at the other end of a wire between two of our nodes. */
async function overTheWire(given: Stanza): Promise<Stanza> {
  let arrived: Signal | undefined
  const loopback = new Loopback({
    submit: (signal) => {
      arrived = signal
      return new PlainAnswer(200, 'OK')
    },
  })
  await loopback.submit(toSignal(given, making))
  if (!arrived?.received) throw new Error('nothing came off the wire')
  return toStanza(arrived, making)
}

describe('each kind of presence is a request of its own', () => {
  test.each([
    ["type='subscribe'", 'SUBSCRIBE', '3600', undefined],
    ["type='unsubscribe'", 'SUBSCRIBE', '0', undefined],
    ["type='probe'", 'SUBSCRIBE', '0', undefined],
    ['', 'NOTIFY', undefined, 'active'],
    ["type='unavailable'", 'NOTIFY', undefined, 'active'],
    ["type='subscribed'", 'NOTIFY', undefined, 'active'],
    ["type='unsubscribed'", 'NOTIFY', undefined, 'terminated;reason=rejected'],
  ])('<presence %s> is a %s', (attrs, method, expires, state) => {
    const signal = toSignal(presence(attrs), making)
    const { headers } = signal.requestFor(CORE)
    for (const header of [(name: string) => signal.header(name), (name: string) => headers.get(name)]) {
      expect([header('Event'), header('Expires'), header('Subscription-State'), header('CSeq')]).toEqual([
        'presence',
        expires,
        state,
        `1 ${method}`,
      ])
      expect(header('Accept')).toBe(method === 'SUBSCRIBE' ? 'application/pidf+xml' : undefined)
      expect(header('Contact')).toBe('<sip:juliet@example.com;gr=balcony>')
    }
    expect(signal.method).toBe(method)
  })

  test('only available and unavailable have a document', () => {
    for (const type of ['subscribe', 'unsubscribe', 'probe', 'subscribed', 'unsubscribed'])
      expect(toSignal(presence(`type='${type}'`), making).requestFor(CORE).body.length).toBe(0)
    expect(toSignal(presence(''), making).requestFor(CORE).body.toString()).toContain('<basic>open</basic>')
    expect(toSignal(presence("type='unavailable'"), making).requestFor(CORE).body.toString()).toContain('<basic>closed</basic>')
  })

  test('an error that came too late to be an answer goes to who knows of stanzas, and to nobody else', () => {
    const late = toSignal(presence("type='error'"), making)
    expect([late.method, late.header('Subscription-State')]).toEqual(['NOTIFY', 'terminated;reason=noresource'])
    expect(() => late.requestFor({ ...CORE, xmppData: 'off' })).toThrow(RefusedError)
  })

  test('a type nobody knows is no request', () => {
    expect(() => toSignal(presence("type='invisible'"), making)).toThrow(expect.objectContaining({ condition: 'bad-request' }))
  })

  test('where P-XMPP-Data may not go no presence goes without a dialog', () => {
    for (const hop of [STRANGER, TELEPHONE]) expect(() => toSignal(presence(''), making).requestFor(hop)).toThrow(RefusedError)
  })

  test('a nickname in a request is the display name', () => {
    const asking = presence("type='subscribe'", '<nick xmlns=\'http://jabber.org/protocol/nick\'>Juliet "J" C.</nick>')
    expect(toSignal(asking, making).header('From')).toBe('"Juliet \\"J\\" C." <sip:juliet@example.com;gr=balcony>;tag=tag-1')
  })
})

describe('what an XMPP server would deliver comes off the wire as it was', () => {
  const long = 'x'.repeat(2_000)
  test.each([
    ['nothing', ''],
    ['show, status and priority', '<show>away</show><status>In the garden</status><priority>5</priority>'],
    ['priority 0 and 127', '<priority>0</priority>'],
    ['a negative priority', '<priority>-1</priority><show>xa</show>'],
    ['a priority that is written oddly', '<priority> +7 </priority>'],
    ['a priority that is none', '<priority>high</priority>'],
    ['a show nobody knows', '<show>invisible</show>'],
    ['a show with spaces', '<show> away </show>'],
    ['two shows', '<show>away</show><show>dnd</show>'],
    ['several languages', "<status>Here</status><status xml:lang='de'>Da</status><status xml:lang='ar'>هنا</status>"],
    ['an empty status', '<status/><status xml:lang="fr">Ici</status>'],
    ['a status with markup and quotes', '<status>a &lt;b&gt; &amp; "c" \'d\' ]]&gt;</status>'],
    ['line ends, tabs and outer spaces', '<status>  one\n\ttwo&#13;\n  </status>'],
    ['an emoji', '<status>🌹 — 薔薇</status>'],
    ['a replacement character', '<status>\ufffd</status>'],
    ['a long status', `<status>${long}</status>`],
    ['a status that looks like a multipart', '<status>--stoxgate\r\nContent-Type: text/plain</status>'],
    [
      'nine languages',
      'abcdefghi'
        .split('')
        .map((x) => `<status xml:lang='${x}${x}'>${x}</status>`)
        .join(''),
    ],
    ['a status with a child of its own', "<status>so <b xmlns='urn:bold'>bold</b></status>"],
    [
      'capabilities',
      "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://gajim.org' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>",
    ],
    ['an avatar', "<x xmlns='vcard-temp:x:update'><photo>sha1-hash-of-image</photo></x><priority>1</priority>"],
    ['a join', "<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='20'/><password>cauldronburn</password></x>"],
    [
      'an occupant',
      "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' role='participant'/><status code='110'/></x>",
    ],
    [
      'a delay and idleness',
      "<delay xmlns='urn:xmpp:delay' stamp='2002-09-10T23:41:07Z'/><idle xmlns='urn:xmpp:idle:1' since='1969-07-21T02:56:15Z'/>",
    ],
    ['custom elements', "<a xmlns='urn:a' b='c'><d xmlns='urn:d' xml:lang='fr'>é</d></a>"],
  ])('%s', async (_what, children) => {
    for (const attrs of ['', "xml:lang='de' id='p1'", "type='unavailable'", "type='available'"]) {
      const given = presence(attrs, children)
      expect(sorted((await overTheWire(given)).xml)).toEqual(sorted(given.xml))
    }
  })

  test.each(['subscribe', 'subscribed', 'unsubscribe', 'unsubscribed', 'probe'])('%s with a status, a nickname and an id', async (type) => {
    const given = presence(
      `type='${type}' id='x' xml:lang='en'`,
      "<status>It is me</status><show>away</show><nick xmlns='http://jabber.org/protocol/nick'>J</nick>",
    )
    expect(sorted((await overTheWire(given)).xml)).toEqual(sorted(given.xml))
  })

  test.each(['balcony', 'Bäl_cony x2E', 'نافذة', '🌹', '1a', '_x41', 'a/b@c', '%41'])('a device named %s', async (resource) => {
    const { from, to } = presence('')
    const sender = from.withResource(resource)
    const xml = el('presence', NS_CLIENT, { from: sender.toString(), to: to.toString() }, el('show', NS_CLIENT, {}, 'dnd'))
    const given = new Stanza(xml, sender, to)
    expect(sorted((await overTheWire(given)).xml)).toEqual(sorted(given.xml))
  })

  test('more than fits into header fields', async () => {
    const given = presence('', `<show>chat</show><status>me</status><x xmlns='urn:big'>${noise(30_000)}</x>`)
    const request = toSignal(given, making).requestFor(LOOPBACK)
    expect(request.headers.get('Content-Type')).toMatch(/^multipart\/mixed/)
    expect(request.body.toString()).toContain('application/pidf+xml')
    expect(sorted((await overTheWire(given)).xml)).toEqual(sorted(given.xml))
  })

  test('all of it twice, where the hop wants that', () => {
    const given = presence('', '<show>away</show><status>me</status><priority>5</priority>')
    const hop: HopPolicy = { ...CORE, fullXmppData: true, fromGruu: false }
    const request = toSignal(given, making).requestFor(hop)
    const fields = Object.fromEntries(
      ['Event', 'Subscription-State', 'P-XMPP-Data', 'Content-Type', 'From'].map((name) => [name, request.headers.get(name) ?? '']),
    )
    const signal = fromRomeo({ ...fields, From: '<sip:juliet@example.com>;tag=1' }, request.body, TRUSTED, 'NOTIFY')
    expect(sorted(toStanza(signal, making).xml)).toEqual(sorted(given.xml.withAttr('to', 'juliet@example.com')))
  })
})

describe('without P-XMPP-Data the fields of SIP decide', () => {
  const read = (method: string, fields: Record<string, string>, body = '', arrival = TRUSTED): string =>
    write(toStanza(fromRomeo({ Event: 'presence', ...fields }, body, arrival, method), making).xml, NS_CLIENT)
  const document = `<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='pres:romeo@example.net'><tuple id='ID-orchard'><status><basic>open</basic><show xmlns='jabber:client'>away</show></status><contact priority='0.5'>sip:romeo@example.net</contact><note>Waiting</note></tuple></presence>`
  const addressed = "from='romeo@example.net' to='juliet@example.com'"

  test.each([
    ['SUBSCRIBE', {}, '', `<presence ${addressed} type='subscribe'/>`],
    ['SUBSCRIBE', { Expires: '600' }, '', `<presence ${addressed} type='subscribe'/>`],
    ['SUBSCRIBE', { Expires: '0' }, '', `<presence ${addressed} type='probe'/>`],
    [
      'SUBSCRIBE',
      { From: '"Romeo M." <sip:romeo@example.net>;tag=1' },
      '',
      `<presence ${addressed} type='subscribe'><nick xmlns='http://jabber.org/protocol/nick'>Romeo M.</nick></presence>`,
    ],
    ['NOTIFY', { 'Subscription-State': 'active;expires=499' }, '', `<presence ${addressed} type='subscribed'/>`],
    ['NOTIFY', { 'Subscription-State': 'Terminated; Reason=Rejected' }, '', `<presence ${addressed} type='unsubscribed'/>`],
    ['NOTIFY', { 'Subscription-State': 'terminated;reason=noresource' }, '', `<presence ${addressed} type='unavailable'/>`],
    [
      'NOTIFY',
      { 'Subscription-State': 'active', 'Content-Type': 'application/pidf+xml' },
      document,
      `<presence from='romeo@example.net/orchard' to='juliet@example.com'><show>away</show><status>Waiting</status><priority>64</priority></presence>`,
    ],
  ])('%s %j', (method, fields, body, wanted) => {
    expect(read(method, fields as Record<string, string>, body)).toBe(wanted)
  })

  const refused = (method: string, fields: Record<string, string>, body = '', arrival = TRUSTED): number => {
    try {
      read(method, fields, body, arrival)
    } catch (cause) {
      if (cause instanceof RefusedError) return cause.status
      throw cause
    }
    return 200
  }

  test('pending is no news', () => {
    expect(refused('NOTIFY', { 'Subscription-State': 'pending' })).toBe(481)
  })

  test('another event package is a bad event, and presence is named as what would do', () => {
    expect(refused('SUBSCRIBE', { Event: 'presence.winfo' })).toBe(489)
    expect(refused('SUBSCRIBE', { Event: 'Presence;id=4' })).toBe(200)
  })

  test("a stranger's NOTIFY says nothing, whatever it carries", () => {
    const data = "<presence type='subscribed'/>"
    expect(refused('NOTIFY', { 'Subscription-State': 'active', 'P-XMPP-Data': data }, '', UNTRUSTED)).toBe(481)
    expect(read('SUBSCRIBE', { 'P-XMPP-Data': "<presence type='unsubscribe'/>" }, '', UNTRUSTED)).toBe(
      `<presence ${addressed} type='subscribe'/>`,
    )
  })

  test.each([
    ['SUBSCRIBE', "<presence type='subscribed'/>"],
    ['NOTIFY', "<presence type='subscribe'/>"],
    ['NOTIFY', '<message/>'],
    ['NOTIFY', "<presence xmlns='urn:other'/>"],
  ])('a %s that carries %s is refused', (method, data) => {
    expect(refused(method, { 'Subscription-State': 'active', 'P-XMPP-Data': data })).toBe(400)
  })
})

describe('who is told of a failure', () => {
  test.each(['subscribe', 'probe', 'available'])('%s may be answered with an error', (type) => {
    const given = presence(type === 'available' ? '' : `type='${type}'`)
    const answer = answerFor(new StanzaError('wait', 'remote-server-timeout', 'Nobody answers'), toSignal(given, making))
    const reply = toReply(given, answer)
    expect(reply && [reply.name, reply.attr('type'), reply.attr('to')]).toEqual(['presence', 'error', 'juliet@example.com/balcony'])
  })

  test.each(['error', 'unavailable'])('%s never is', (type) => {
    expect(mayBeAnswered(presence(`type='${type}'`))).toBe(false)
  })

  test('a subscription refused for the moment is not cancelled for good', () => {
    const signal = toSignal(presence("type='subscribe'"), making)
    expect(answerFor(new StanzaError('cancel', 'service-unavailable'), signal).status).toBe(480)
  })

  test('the moment is the clock of the house', () => {
    expect(toSignal(presence(''), making).requestFor(CORE).body.toString()).toContain(
      `<timestamp>${NOW.toISOString().replace('.000', '')}</timestamp>`,
    )
  })
})
