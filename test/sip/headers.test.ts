/** Header fields: found by any name they may have, and never two where one was meant. */
import { describe, expect, test } from 'vitest'
import { HeaderError, Headers, reasonFor } from '../../src/sip/message.ts'

const written = () =>
  new Headers([
    'v',
    'SIP/2.0/UDP a.example;branch=1 , SIP/2.0/TCP b.example',
    'VIA',
    'SIP/2.0/UDP c.example',
    'f',
    '"Last, First" <sip:a,b@h.example>;tag=1',
    'Contact',
    '<sip:a@h.example;x="1,2">;q="0,5", "Quote \\", comma" <sip:b@h.example>',
    'Date',
    'Sat, 13 Nov 2010 23:29:00 GMT',
    'Supported',
    '',
  ])

describe('reading', () => {
  test('a name is found in any letters, long or compact', () => {
    for (const name of ['From', 'from', 'FROM', 'f', 'F']) expect(written().get(name)).toBe('"Last, First" <sip:a,b@h.example>;tag=1')
    expect(new Headers(['From', 'x']).get('f')).toBe('x')
    expect(new Headers(['k', 'x']).get('Supported')).toBe('x')
  })

  test('what is not there is undefined, and an empty field is there', () => {
    expect(written().get('To')).toBeUndefined()
    expect(written().has('To')).toBe(false)
    expect(written().has('supported')).toBe(true)
    expect(written().get('supported')).toBe('')
    expect(written().values('supported')).toEqual([])
  })

  test('a list is one list, over however many fields', () => {
    expect(written().values('Via')).toEqual(['SIP/2.0/UDP a.example;branch=1', 'SIP/2.0/TCP b.example', 'SIP/2.0/UDP c.example'])
    expect(written().all('Via')).toEqual(['SIP/2.0/UDP a.example;branch=1 , SIP/2.0/TCP b.example', 'SIP/2.0/UDP c.example'])
  })

  test('commas within quotes, brackets and dates separate nothing', () => {
    expect(written().values('Contact')).toEqual(['<sip:a@h.example;x="1,2">;q="0,5"', '"Quote \\", comma" <sip:b@h.example>'])
    expect(written().values('Date')).toEqual(['Sat, 13 Nov 2010 23:29:00 GMT'])
    expect(written().values('From')).toHaveLength(1)
  })

  test('a one-letter name that is no compact form is itself', () => {
    expect(new Headers(['q', '1']).get('Q')).toBe('1')
    expect(new Headers(['q', '1']).get('v')).toBeUndefined()
  })
})

describe('writing', () => {
  test('set leaves one field, where the first one stood', () => {
    const headers = written()
    headers.set('Via', 'SIP/2.0/UDP d.example')
    expect(headers.all('v')).toEqual(['SIP/2.0/UDP d.example'])
    expect(headers.list.slice(0, 2)).toEqual(['v', 'SIP/2.0/UDP d.example'])
    headers.set('Expires', '60')
    expect(headers.list.slice(-2)).toEqual(['Expires', '60'])
  })

  test('append goes below, prepend above, remove takes all', () => {
    const headers = written()
    headers.append('Route', '<sip:last.example;lr>')
    headers.prepend('Route', '<sip:first.example;lr>')
    expect(headers.all('route')).toEqual(['<sip:first.example;lr>', '<sip:last.example;lr>'])
    headers.remove('ROUTE')
    headers.remove('Via')
    expect(headers.has('route') || headers.has('v')).toBe(false)
    expect(headers.list[0]).toBe('f')
  })

  test('a copy goes its own way', () => {
    const headers = written()
    const copy = headers.copy()
    copy.remove('from')
    expect(headers.has('from')).toBe(true)
  })

  for (const [what, value] of [
    ['CR LF', 'a\r\nP-Asserted-Identity: <sip:queen@h.example>'],
    ['CR', 'a\rb'],
    ['LF', 'a\nb'],
    ['NUL', 'a\0b'],
  ] as const) {
    test(`${what} never gets into a value`, () => {
      for (const method of ['set', 'append', 'prepend'] as const) {
        const headers = written()
        expect(() => headers[method]('Subject', value)).toThrow(HeaderError)
        expect(headers.list).toEqual(written().list)
      }
    })
  }

  test('nor anything but a token into a name', () => {
    for (const name of ['', 'a b', 'a:b', 'a\r\nb', 'ü']) expect(() => new Headers().append(name, 'x')).toThrow(HeaderError)
  })
})

test('a status nobody knows has the phrase of its class', () => {
  expect(reasonFor(486)).toBe('Busy Here')
  expect(reasonFor(499)).toBe('Bad Request')
  expect(reasonFor(299)).toBe('OK')
  expect(reasonFor(999)).toBe('Unknown')
})
