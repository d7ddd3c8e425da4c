/** What stands in header fields: addresses, Via, CSeq, Contact, numbers, dates, media types, and what ties a response to its request. */
import { describe, expect, test } from 'vitest'
import { blankSip } from '../../src/log/blank-sip.ts'
import { parseContacts } from '../../src/sip/contact.ts'
import { parseCSeq } from '../../src/sip/cseq.ts'
import { parseDate, printDate } from '../../src/sip/date.ts'
import { claimFor } from '../../src/sip/digest.ts'
import { bestChallenge } from '../../src/sip/digest-client.ts'
import { responseTo, withEcho } from '../../src/sip/echo.ts'
import { guessedPath } from '../../src/sip/embedded/return-path.ts'
import type { Way } from '../../src/sip/embedded/transport.ts'
import { Headers, response, SipRequest } from '../../src/sip/message.ts'
import { NameAddr, parseNameAddr, tagOf } from '../../src/sip/name-addr.ts'
import { parseDeltaSeconds, parseMaxForwards } from '../../src/sip/number.ts'
import { Params } from '../../src/sip/params.ts'
import { SipSyntaxError } from '../../src/sip/syntax-error.ts'
import { parseVia } from '../../src/sip/via.ts'

const NOWHERE: Way = {
  transport: 'udp',
  isReliable: false,
  flow: 'none',
  isOpen: false,
  localFor: () => ({ transport: 'udp', host: '192.0.2.1', port: 5060 }),
  send: () => {},
  forget: () => {},
}

describe('addresses', () => {
  for (const [text, displayName, uri, tag] of [
    ['sip:a@h.example', undefined, 'sip:a@h.example', undefined],
    ['sip:a@h.example;tag=1', undefined, 'sip:a@h.example', '1'],
    ['<sip:a@h.example;user=phone>;tag=1', undefined, 'sip:a@h.example;user=phone', '1'],
    ['  "A. \\"Bell\\" \\\\"  <sip:a@h.example> ; tag = 1 ', 'A. "Bell" \\', 'sip:a@h.example', '1'],
    ['caller<sip:caller@example.com>;tag=323', 'caller', 'sip:caller@example.com', '323'],
    ['Juliet of Verona <sip:a@h.example>', 'Juliet of Verona', 'sip:a@h.example', undefined],
    ['Ιουλιέτα <sip:a@h.example>', 'Ιουλιέτα', 'sip:a@h.example', undefined],
    ['alice@work <sip:a@h.example>', 'alice@work', 'sip:a@h.example', undefined],
    ['"<sip:x@y>;tag=no" <sip:a@h.example>;x="tag=no;tag=2";tag=3', '<sip:x@y>;tag=no', 'sip:a@h.example', '3'],
    ['tel:+15551234;tag=1', undefined, 'tel:+15551234', '1'],
    ['<sip:a@h.example?Route=%3Csip:b%3E,x>', undefined, 'sip:a@h.example?Route=%3Csip:b%3E,x', undefined],
    ['"" <sip:a@[2001:db8::1]:5070>;Tag=x', undefined, 'sip:a@[2001:db8::1]:5070', 'x'],
  ] as const) {
    test(`${text} is ${uri}`, () => {
      const address = parseNameAddr(text)
      expect([address.displayName, address.uri, address.tag]).toEqual([displayName, uri, tag])
      expect(tagOf(text)).toBe(tag)
      const again = parseNameAddr(address.toString())
      expect([again.displayName ?? '', again.uri, again.tag]).toEqual([displayName ?? '', uri, tag])
    })
  }

  for (const text of [
    '',
    'sip:',
    'a@h.example',
    '"open <sip:a@h.example>',
    '"a" sip:a@h.example',
    '<sip:a@h.example',
    '< sip:a@h.example >',
    '<>',
    'Bell, Alexander <sip:a@h.example>',
    'sip:a@h.example?Route=x',
    'sip:a@h.example,sip:b@h.example',
    '<sip:a@h.example>tag=1',
    '<sip:a@h.example>;',
    '<sip:a@h.example>;;tag=1',
    '<sip:a@h.example>;tag=',
    '<sip:a@h.example>;x="open',
    '<sip:a@h.example>, <sip:b@h.example>',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => expect(() => parseNameAddr(text)).toThrow(SipSyntaxError))
  }

  for (const [text, uri] of [
    ['<sip:a@h.example>;gr=balcony', 'sip:a@h.example;gr=balcony'],
    ['<sip:a@h.example;gr=inside>;gr=outside', 'sip:a@h.example;gr=inside'],
    ['<sip:a@h.example?X=y>;gr', 'sip:a@h.example;gr?X=y'],
    ['<sip:a@h.example;transport=tcp>', 'sip:a@h.example;transport=tcp'],
  ] as const) {
    test(`a gr outside of the brackets counts as inside: ${text}`, () => expect(parseNameAddr(text).uriWithGr).toBe(uri))
  }

  test('a name is quoted where it must be', () => {
    const print = (name: string) => new NameAddr(name, 'sip:a@h.example', new Params()).toString()
    expect(print('Juliet Capulet')).toBe('Juliet Capulet <sip:a@h.example>')
    expect(print('Capulet, "J" \\')).toBe('"Capulet, \\"J\\" \\\\" <sip:a@h.example>')
    expect(print('Ιουλιέτα')).toBe('"Ιουλιέτα" <sip:a@h.example>')
  })

  test('a NUL in a name does not come through', () => {
    expect(parseNameAddr('"a\\\0b" <sip:a@h.example>').displayName).toBe('ab')
  })
})

describe('Via', () => {
  for (const [text, transport, host, port, branch] of [
    ['SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport', 'UDP', '192.0.2.1', 5070, 'z9hG4bK1'],
    ['SIP  /   2.0 /UDP    192.0.2.2;branch=390skdjuw', 'UDP', '192.0.2.2', undefined, '390skdjuw'],
    ['SIP / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8', 'TCP', 'spindle.example.com', undefined, 'z9hG4bK9ikj8'],
    ['sip/2.0/tls [2001:db8::9:255]:7000 ;received=2001:db8::1', 'TLS', '2001:db8::9:255', 7000, undefined],
    ['SIP/2.0/UDP [::ffff:192.0.2.1]', 'UDP', '::ffff:192.0.2.1', undefined, undefined],
    ['SIP/2.0/UNKNOWN h_1.example : 5060;a;b="c;d"', 'UNKNOWN', 'h_1.example', 5060, undefined],
  ] as const) {
    test(`${text} is read`, () => {
      const via = parseVia(text)
      expect([via.transport, via.host, via.port, via.branch]).toEqual([transport, host, port, branch])
      expect(String(parseVia(String(via)))).toBe(String(via))
    })
  }

  for (const text of [
    '',
    'SIP/2.0/UDP',
    'SIP/3.0/UDP h.example',
    'HTTP/2.0/UDP h.example',
    'SIP/2.0/UDP h.example;;,;,,',
    'SIP/2.0/UDP h.example:0',
    'SIP/2.0/UDP h.example:65536',
    'SIP/2.0/UDP h.example:x',
    'SIP/2.0/UDP 2001:db8::9:1',
    'SIP/2.0/UDP [2001:db8::1',
    'SIP/2.0/UDP [h.example]',
    'SIP/2.0/UDP h<.example',
    'SIP/2.0/UDP h.example;branch="open',
    'SIP/2.0/UDP h.example;branch=',
    'SIP/2.0/UDP h.example branch=1',
  ]) {
    test(`${JSON.stringify(text)} is none`, () => expect(() => parseVia(text)).toThrow(SipSyntaxError))
  }

  test('the cookie with nothing behind it names no transaction', () => {
    expect(parseVia('SIP/2.0/UDP h;branch=z9hG4bK').hasUniqueBranch).toBe(false)
    expect(parseVia('SIP/2.0/UDP h;branch=Z9HG4BK-1').hasUniqueBranch).toBe(true)
    expect(parseVia('SIP/2.0/UDP h').hasUniqueBranch).toBe(false)
  })
})

test('CSeq is a number of 32 bits and a method', () => {
  expect(parseCSeq('0009  INVITE')).toEqual({ number: 9, method: 'INVITE' })
  expect(parseCSeq('4294967295 X').number).toBe(4_294_967_295)
  for (const text of ['', '1', 'INVITE', '-1 INVITE', '1 IN VITE', '4294967296 INVITE', '36893488147419103232 REGISTER', '1.5 X']) {
    expect(() => parseCSeq(text)).toThrow(SipSyntaxError)
  }
})

test('numbers are numbers, and not more than they may be', () => {
  expect([parseDeltaSeconds('3600'), parseDeltaSeconds('0'), parseDeltaSeconds('99999999999999')]).toEqual([3600, 0, 2 ** 32 - 1])
  expect([parseDeltaSeconds('18000;duration=3600'), parseDeltaSeconds('120 (in a meeting)')]).toEqual([18_000, 120])
  for (const text of ['', '-1', '1.5', '1e3', 'soon', '5s']) expect(parseDeltaSeconds(text)).toBeUndefined()
  expect([parseMaxForwards('0'), parseMaxForwards('255')]).toEqual([0, 255])
  for (const text of ['', '256', '-1', '70 ', '7o']) expect(parseMaxForwards(text)).toBeUndefined()
})

test('a date is of the one form, and a day that exists', () => {
  const date = parseDate('Sat, 13 Nov 2010 23:29:00 GMT')
  expect(date?.toISOString()).toBe('2010-11-13T23:29:00.000Z')
  expect(printDate(date ?? new Date(0))).toBe('Sat, 13 Nov 2010 23:29:00 GMT')
  for (const text of [
    'Fri, 01 Jan 2010 16:00:00 EST',
    '2010-11-13T23:29:00Z',
    'Sun, 31 Feb 2010 00:00:00 GMT',
    'Sat, 13 Nov 2010 25:00:00 GMT',
    '',
  ]) {
    expect(parseDate(text)).toBeUndefined()
  }
})

test('contacts are addresses, or one star', () => {
  const of = (...values: string[]) => new Headers(values.flatMap((value) => ['m', value]))
  expect(parseContacts(of('*'))).toBe('*')
  expect(parseContacts(of())).toEqual([])
  const two = parseContacts(of('"A, B" <sip:a@h.example>;q=0.5, <sip:b@h.example>'))
  expect(two === '*' ? [] : two.map((one) => [one.uri, one.params.get('q')])).toEqual([
    ['sip:a@h.example', '0.5'],
    ['sip:b@h.example', undefined],
  ])
  for (const value of ['*, <sip:a@h.example>', '*, *', '<sip:a@h.example>,', 'sip:a@h.example?x=y'])
    expect(() => parseContacts(of(value))).toThrow(SipSyntaxError)
})

describe('a response and its request', () => {
  const request = new SipRequest(
    'MESSAGE',
    'sip:b@h.example',
    new Headers([
      'v',
      'SIP/2.0/UDP a',
      'Via',
      'SIP/2.0/UDP b',
      'f',
      '<sip:a@h>;tag=1',
      't',
      '<sip:b@h>',
      'i',
      '1',
      'CSeq',
      '1 MESSAGE',
      'Contact',
      '<sip:c@h>',
    ]),
    Buffer.from('a body'),
  )

  test('repeat Via, From, To with a tag, Call-ID and CSeq, and nothing else', () => {
    const answer = responseTo(request, 202, undefined, [['X-Own', 'yes']])
    expect([answer.status, answer.reason, answer.body.length]).toEqual([202, 'Accepted', 0])
    const to = answer.headers.get('to') ?? ''
    expect(tagOf(to)).toMatch(/^[0-9a-f]{16}$/)
    expect(answer.headers.list).toEqual([
      'Via',
      'SIP/2.0/UDP a',
      'Via',
      'SIP/2.0/UDP b',
      'From',
      '<sip:a@h>;tag=1',
      'Call-ID',
      '1',
      'CSeq',
      '1 MESSAGE',
      'To',
      to,
      'X-Own',
      'yes',
    ])
  })

  test('keep a tag that either of them has', () => {
    const own = response(200, 'OK', [
      ['To', '<sip:b@h>;tag=own'],
      ['Via', 'SIP/2.0/UDP z'],
      ['Call-ID', 'z'],
      ['Content-Length', '5'],
    ])
    const answer = withEcho(request, own, 'ours')
    expect(answer.headers.get('to')).toBe('<sip:b@h>;tag=own')
    expect(answer.headers.get('call-id')).toBe('1')
    expect(answer.headers.has('content-length')).toBe(false)
    const inDialog = new SipRequest('INFO', request.uri, request.headers.copy(), request.body)
    inDialog.headers.set('To', '<sip:b@h>;tag=theirs')
    expect(withEcho(inDialog, response(200), 'ours').headers.get('to')).toBe('<sip:b@h>;tag=theirs')
  })

  test('a 100 makes no dialog', () => {
    expect(withEcho(request, response(100), 'ours').headers.get('to')).toBe('<sip:b@h>')
  })
})

test('60,000 bytes of what makes a reader go back and forth take no longer than others', () => {
  const begun = process.cpuUsage()
  const readers: readonly ((text: string) => unknown)[] = [
    parseNameAddr,
    tagOf,
    parseVia,
    parseCSeq,
    parseDate,
    parseDeltaSeconds,
    (text) => parseContacts(new Headers(['Contact', text])),
    (text) => new Headers(['Via', text]).values('via'),
    (text) => claimFor('h', [`Digest ${text}`]),
    (text) => bestChallenge([`Digest ${text}`]),
    (text) => guessedPath(NOWHERE, text, '192.0.2.1', 5060),
    (text) => blankSip(`Authorization: Digest ${text}\r\n\r\n`),
  ]
  for (const filling of [' ', '\t', ';', ',', '"', '\\', '<', ':', 'a ', ';a', ';a=', ';tag', '"\\', 'a=', 'a="b",', '<>', '/ ', '[']) {
    const long = filling.repeat(60_000 / filling.length)
    for (const before of ['', '"', '<sip:a@h>', '<sip:', 'SIP/2.0/UDP ', 'SIP/2.0/UDP h', '1 ', 'text/plain']) {
      for (const read of readers) {
        try {
          read(before + long)
        } catch (cause) {
          if (!(cause instanceof SipSyntaxError)) throw cause
        }
      }
    }
  }
  expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(4_000)
})
