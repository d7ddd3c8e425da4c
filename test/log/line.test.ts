import { expect, test } from 'vitest'
import { jsonLine, textLine } from '../../src/log/line.ts'
import { VALUE_MAX_CHARS } from '../../src/log/value.ts'

const at = new Date('2026-11-22T12:00:00.000Z')
const tag = 'XMPPI-000123([127.0.0.1]:51234)'
const text = (fact: Record<string, unknown>) => textLine(at, 'major', tag, { what: 'x', ...fact })
const json = (fact: Record<string, unknown>): unknown => JSON.parse(jsonLine(at, 'major', tag, { what: 'x', ...fact }))

test('a refused client is one line a person can read', () => {
  expect(textLine(at, 'major', tag, { what: 'client_refused', why: 'channels', limit: 5000 })).toBe(
    '2026-11-22T12:00:00.000Z MAJOR XMPPI-000123([127.0.0.1]:51234) client_refused why=channels limit=5000',
  )
})

for (const [what, value, shown] of [
  ['an address', 'juliet@capulet.example/balcony', 'v=juliet@capulet.example/balcony'],
  ['a sentence', 'no such name', 'v="no such name"'],
  ['nothing at all', '', 'v=""'],
  ['an equals sign', 'a=b', 'v="a=b"'],
  ['Greek', 'Ρωμαίος', 'v="Ρωμαίος"'],
  ['a number', 0.5, 'v=0.5'],
  ['no', false, 'v=false'],
  ['null', null, 'v=null'],
  ['a list', ['a b', 1], 'v=["a b",1]'],
  ['bytes', Buffer.from('secret'), 'v="(6 bytes)"'],
  ['a time', at, 'v=2026-11-22T12:00:00.000Z'],
  ['a big number', 10n, 'v=10'],
  ['an address as an object', new URL('http://x.example/'), 'v=http://x.example/'],
  ['an error', new RangeError('too long'), 'v="RangeError: too long"'],
] as const)
  test(`${what} stands in the log as ${shown}`, () => {
    expect(text({ v: value })).toBe(`2026-11-22T12:00:00.000Z MAJOR ${tag} x ${shown}`)
  })

test('what is not known is not written', () => {
  expect(text({ v: undefined })).toBe(`2026-11-22T12:00:00.000Z MAJOR ${tag} x`)
})

for (const forged of [
  '\n2026-11-22T12:00:00.000Z MAJOR XMPPS-000001 login',
  '\r\nx',
  '\u2028x',
  '\u0085x',
  '\u001b[2Jx',
  '\u009b2Jx',
  '\u202ex',
  '\0',
  '\ud800',
  '\u{e0041}x',
])
  test(`a stranger cannot forge a line with ${JSON.stringify(forged)}`, () => {
    for (const line of [
      text({ v: forged }),
      text({ [forged]: 1 }),
      text({ v: [forged] }),
      text({ v: { [forged]: forged } }),
      text({ v: new Error(forged) }),
      text({ what: forged }),
      textLine(at, 'major', forged, { what: 'x' }),
      jsonLine(at, 'major', forged, { what: forged, text: forged, [forged]: forged }),
    ]) {
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e\ud800\u{e0041}]/u)
      expect(line.split(/\s2026-11-22T12/).length).toBeLessThanOrEqual(2)
    }
  })

test('the text of a request stands below its line, indented, so that it cannot pass for lines of ours', () => {
  expect(
    textLine(at, 'all', 'SIP', {
      what: 'received',
      text: 'OPTIONS sip:a SIP/2.0\r\nFrom: \u001b[31m<sip:b>\r\n\r\n2026-11-22T12:00:00.000Z MAJOR forged\n',
    }),
  ).toBe(
    [
      '2026-11-22T12:00:00.000Z ALL SIP received',
      '  | OPTIONS sip:a SIP/2.0',
      '  | From: \\u001b[31m<sip:b>',
      '  | ',
      '  | 2026-11-22T12:00:00.000Z MAJOR forged',
    ].join('\n'),
  )
})

test('a failure of our own shows where it happened', () => {
  const cause = new TypeError('x is undefined')
  expect(textLine(at, 'failures', 'CORE', { what: 'route_failed', cause })).toMatch(
    /cause="TypeError: x is undefined"\n {2}\| TypeError: x is undefined\n {2}\| {5}at /,
  )
  expect(textLine(at, 'problems', 'CORE', { what: 'route_failed', cause })).not.toContain('\n')
})

test('a value without end is cut with a note of how much is missing', () => {
  expect(text({ v: 'a'.repeat(VALUE_MAX_CHARS + 234) })).toMatch(/a… \(234 more\)"$/)
})

test('a value that cannot be shown does not harm who logs it', () => {
  const circle: Record<string, unknown> = {}
  circle.self = circle
  expect(text({ v: circle })).toContain('v="(no text)"')
})

test('the same fact as JSON is one object with its values kept apart', () => {
  expect(json({ why: 'channels', limit: 5000, jid: new URL('http://x.example/'), text: 'a\r\nb' })).toEqual({
    time: '2026-11-22T12:00:00.000Z',
    level: 'major',
    tag,
    what: 'x',
    why: 'channels',
    limit: 5000,
    jid: 'http://x.example/',
    text: 'a\r\nb',
  })
})

test('a fact cannot overwrite when, how grave and whose it was', () => {
  expect(json({ time: 'never', level: 'all', tag: 'other' })).toEqual({ time: at.toISOString(), level: 'major', tag, what: 'x' })
})
