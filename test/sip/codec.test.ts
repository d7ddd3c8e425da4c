/** Messages as bytes: what is read, what is refused and how that can be answered, and that what is printed is one message. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseMessage, print, SipParseError } from '../../src/sip/codec.ts'
import { HeaderError, Headers, SipRequest, SipResponse } from '../../src/sip/message.ts'

const NO_BODY = Buffer.alloc(0)

function bytes(start: string, fields: readonly string[], body = ''): Buffer {
  return Buffer.from(`${[start, ...fields].join('\r\n')}\r\n\r\n${body}`)
}

const FIELDS = [
  'Via: SIP/2.0/UDP h.example;branch=z9hG4bK1',
  'From: <sip:a@h.example>;tag=1',
  'To: <sip:b@h.example>',
  'Call-ID: 1',
  'CSeq: 1 MESSAGE',
]
const START = 'MESSAGE sip:b@h.example SIP/2.0'

function request(of: Buffer): SipRequest {
  const message = parseMessage(of)
  if (message instanceof SipRequest) return message
  throw new Error('a response')
}

function refusal(of: Buffer): SipParseError {
  try {
    parseMessage(of)
  } catch (cause) {
    if (cause instanceof SipParseError) return cause
    throw cause
  }
  throw new Error('it was accepted')
}

describe('a request', () => {
  test('is its start line, its fields as written, and its body', () => {
    const message = request(bytes(START, [...FIELDS, 'x-Custom :  spaced out \t', 'Content-Length: 5'], 'hello, and more'))
    expect([message.method, message.uri]).toEqual(['MESSAGE', 'sip:b@h.example'])
    expect(message.headers.list.slice(10)).toEqual(['x-Custom', 'spaced out', 'Content-Length', '5'])
    expect(message.body.toString()).toBe('hello')
  })

  test('without Content-Length goes to the end of its datagram', () => {
    expect(request(bytes(START, FIELDS, 'to the end')).body.toString()).toBe('to the end')
  })

  test('may begin behind empty lines, and name its version in small letters', () => {
    expect(request(Buffer.concat([Buffer.from('\r\n\r\n'), bytes('OPTIONS sip:h.example sip/2.0', FIELDS)])).method).toBe('OPTIONS')
  })

  test('may fold a line, which counts as one space', () => {
    const { headers } = request(bytes(START, [...FIELDS, 'Subject: one', ' two', '\t  three  ', 'Empty:', ' now not']))
    expect(headers.get('subject')).toBe('one two three')
    expect(headers.get('empty')).toBe('now not')
  })

  test('is UTF-8, and Latin-1 where it cannot be UTF-8', () => {
    const text = bytes(START, [...FIELDS, 'Subject: Ελλάδα 👋']).toString()
    expect(request(Buffer.from(text)).headers.get('subject')).toBe('Ελλάδα 👋')
    const old = Buffer.from(text.replace('Ελλάδα 👋', 'Jürgen'), 'latin1')
    expect(request(old).headers.get('subject')).toBe('Jürgen')
  })

  test('keeps a body of any bytes', () => {
    const body = Buffer.from([0, 13, 10, 13, 10, 255, 254])
    expect(request(Buffer.concat([bytes(START, FIELDS), body])).body).toEqual(body)
  })
})

describe('a response', () => {
  for (const [line, status, reason] of [
    ['SIP/2.0 200 OK', 200, 'OK'],
    ['SIP/2.0 100 ', 100, ''],
    ['SIP/2.0 486', 486, ''],
    ['SIP/2.0 603 Nein,  danke: später', 603, 'Nein,  danke: später'],
  ] as const) {
    test(`${line} is read`, () => {
      const message = parseMessage(bytes(line, FIELDS))
      expect(message).toBeInstanceOf(SipResponse)
      expect(message).toMatchObject({ status, reason })
    })
  }

  for (const line of [
    'SIP/2.0 99 Low',
    'SIP/2.0 700 High',
    'SIP/2.0 4294967301 OK',
    'SIP/2.0 0200 OK',
    'SIP/2.0  200 OK',
    'SIP/3.0 200 OK',
    'SIP/2.0',
  ]) {
    test(`${line} is none, and nobody is told`, () => {
      expect(refusal(bytes(line, FIELDS)).request).toBeUndefined()
    })
  }
})

describe('what is refused', () => {
  for (const [what, of, status, why] of [
    ['no empty line', Buffer.from(`${START}\r\n${FIELDS.join('\r\n')}\r\n`), 400, 'No empty line'],
    ['another version', bytes('MESSAGE sip:b@h.example SIP/3.0', FIELDS), 505, 'Version Not Supported'],
    ['two spaces', bytes('MESSAGE  sip:b@h.example SIP/2.0', FIELDS), 400, 'request line'],
    ['a space at the end', bytes(`${START} `, FIELDS), 400, 'request line'],
    ['brackets', bytes('MESSAGE <sip:b@h.example> SIP/2.0', FIELDS), 400, 'Request-URI'],
    ['no scheme', bytes('MESSAGE b@h.example SIP/2.0', FIELDS), 400, 'Request-URI'],
    ['a method with @', bytes('ME@SSAGE sip:b@h.example SIP/2.0', FIELDS), 400, ''],
    ['a NUL', bytes(START, [...FIELDS, 'Subject: a\0b']), 400, 'NUL'],
    ['LF alone', bytes(START, [...FIELDS, 'Subject: a\nP-Asserted-Identity: <sip:q@h.example>']), 400, 'LF without CR'],
    ['CR alone', bytes(START, [...FIELDS, 'Subject: a\rb']), 400, 'CR without LF'],
    ['a line without colon', bytes(START, [...FIELDS, 'nonsense']), 400, 'colon'],
    ['a name that is no token', bytes(START, [...FIELDS, 'a<b: c']), 400, 'colon'],
    ['an empty name', bytes(START, [...FIELDS, ': c']), 400, 'name'],
    ['a fold before the first field', bytes(START, [' folded', ...FIELDS]), 400, 'name'],
    ['a negative length', bytes(START, [...FIELDS, 'Content-Length: -1']), 400, 'Content-Length'],
    ['a length with a unit', bytes(START, [...FIELDS, 'Content-Length: 1k']), 400, 'Content-Length'],
    ['two lengths', bytes(START, [...FIELDS, 'Content-Length: 0', 'l: 0']), 400, 'Content-Length'],
    ['a length beyond the datagram', bytes(START, [...FIELDS, 'Content-Length: 3'], 'ab'), 400, 'larger than the datagram'],
    ['600 fields', bytes(START, [...FIELDS, ...Array.from({ length: 600 }, () => 'a: b')]), 400, 'More than 512'],
  ] as const) {
    test(`${what}: ${status}, and the answer finds its way`, () => {
      const error = refusal(of)
      expect(error.status).toBe(status)
      expect(error.reason).toContain(why)
      if (what === 'a method with @') return
      expect(error.request?.headers.get('via')).toBe('SIP/2.0/UDP h.example;branch=z9hG4bK1')
      expect(error.request?.headers.get('cseq')).toBe('1 MESSAGE')
      // What was found in the ruins can be printed.
      expect(print(error.request ?? new SipRequest('X', 'sip:x', new Headers(), NO_BODY)).length).toBeGreaterThan(0)
    })
  }

  for (const noise of [
    '',
    '\r\n',
    'GET / HTTP/1.1\r\nHost: h.example\r\n\r\n',
    '\x16\x03\x01\x02\0\x01',
    'a\0b\r\n\r\n',
    '\r\n\r\n\r\n\r\n',
  ]) {
    test(`noise is not answered: ${JSON.stringify(noise)}`, () => {
      expect(refusal(Buffer.from(noise, 'latin1')).request).toBeUndefined()
    })
  }

  test('60,000 bytes of what makes a reader go back and forth take no longer to refuse than others', () => {
    const begun = process.cpuUsage()
    for (const filling of [' ', '\t', ';', ',', '"', '\\', '<', ':', 'a ', ';a', ';a=', '"\\', 'a:', '\r\n ', ' \r\n']) {
      const long = filling.repeat(60_000 / filling.length)
      for (const field of [`X:${long}\0`, `Via: SIP/2.0/UDP ${long}`, `From: ${long}`, `l: ${long}`]) {
        try {
          parseMessage(bytes(START, [...FIELDS.slice(1), field]))
        } catch (cause) {
          if (!(cause instanceof SipParseError)) throw cause
        }
      }
    }
    expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(2_000)
  })

  test('every reason is one a status line may hold', () => {
    for (const of of [bytes(START, ['<: b']), bytes('MESSAGE sip: SIP/2.0', FIELDS), Buffer.from('x')]) {
      expect(refusal(of).reason).toMatch(/^[A-Za-z0-9 \-,:./]+$/)
    }
  })
})

describe('printing', () => {
  const message = new SipRequest(
    'MESSAGE',
    'sip:b@h.example',
    new Headers(['f', '<sip:a@h.example>', 'Content-Length', '99', 'Subject', 'Ελλάδα']),
    Buffer.from('ü'),
  )

  test('writes the true Content-Length, last, and a Via above all', () => {
    expect(print(message, 'SIP/2.0/UDP me').toString()).toBe(
      'MESSAGE sip:b@h.example SIP/2.0\r\nVia: SIP/2.0/UDP me\r\nf: <sip:a@h.example>\r\nSubject: Ελλάδα\r\nContent-Length: 2\r\n\r\nü',
    )
  })

  test('and reading again gives the same', () => {
    for (const one of [message, new SipResponse(486, 'Busy Here', new Headers(['a', 'b, c']), Buffer.from([0, 1, 2]))]) {
      const again = parseMessage(print(one))
      expect(again.body.equals(one.body)).toBe(true)
      expect(print(again).equals(print(one))).toBe(true)
    }
  })

  test('the well-formed messages of RFC 4475 come back the same', () => {
    const folder = new URL('../../sip-fixtures/torture/', import.meta.url)
    let count = 0
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.dat'))) {
      let first: SipRequest | SipResponse
      try {
        first = parseMessage(readFileSync(new URL(file, folder)))
      } catch (cause) {
        if (cause instanceof SipParseError) continue
        throw cause
      }
      const again = parseMessage(print(first))
      first.headers.set('Content-Length', String(first.body.length))
      expect([again.headers.all('via'), again.headers.all('to')]).toEqual([first.headers.all('via'), first.headers.all('to')])
      expect(again.body.equals(first.body)).toBe(true)
      count++
    }
    expect(count).toBeGreaterThan(35)
  })

  for (const [what, broken] of [
    ['a value', new SipRequest('MESSAGE', 'sip:b', new Headers(['a', 'b\r\nc: d']), NO_BODY)],
    ['a value that ends the header', new SipRequest('MESSAGE', 'sip:b', new Headers(['a', 'b\r\n\r\n']), NO_BODY)],
    ['a bare LF', new SipRequest('MESSAGE', 'sip:b', new Headers(['a', 'b\nc: d']), NO_BODY)],
    ['a bare CR', new SipRequest('MESSAGE', 'sip:b', new Headers(['a', 'b\rc']), NO_BODY)],
    ['a NUL', new SipRequest('MESSAGE', 'sip:b', new Headers(['a', 'b\0c']), NO_BODY)],
    ['a name', new SipRequest('MESSAGE', 'sip:b', new Headers(['a\r\nb', 'c']), NO_BODY)],
    ['the method', new SipRequest('MESSAGE sip:b SIP/2.0\r\na: b\r\n\r\nX', 'sip:b', new Headers(), NO_BODY)],
    ['the Request-URI', new SipRequest('MESSAGE', 'sip:b SIP/2.0\r\na: b\r\nc:', new Headers(), NO_BODY)],
    ['the reason', new SipResponse(200, 'OK\r\na: b', new Headers(), NO_BODY)],
  ] as const) {
    test(`never makes two fields of one: ${what}`, () => expect(() => print(broken)).toThrow(HeaderError))
  }
})
