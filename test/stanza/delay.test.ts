/** XEP-0203 and the dates of XEP-0082. */
import { describe, expect, test } from 'vitest'
import { formatDateTime, parseDateTime } from '../../src/stanza/datetime.ts'
import { delayElement, delayOf } from '../../src/stanza/delay.ts'
import { xml } from '../mapping/world.ts'

describe('a date and time of XMPP is a moment', () => {
  for (const [text, iso] of [
    // XEP-0082 §3.2
    ['1969-07-21T02:56:15Z', '1969-07-21T02:56:15.000Z'],
    ['1969-07-20T21:56:15-05:00', '1969-07-21T02:56:15.000Z'],
    ['2002-09-10T23:08:25.123456Z', '2002-09-10T23:08:25.123Z'],
    ['2026-03-01T00:30:00+05:30', '2026-02-28T19:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ] as const) {
    test(text, () => expect(parseDateTime(text)?.toISOString()).toBe(iso))
  }
})

describe('what is no date is none', () => {
  for (const text of [
    '',
    'yesterday',
    '2023-02-29T00:00:00Z',
    '2023-13-01T00:00:00Z',
    '2023-01-01T25:00:00Z',
    '20020910T23:08:25',
    '2023-01-01T10:00:00',
    '2023-01-01T10:61:00Z',
  ]) {
    test(JSON.stringify(text), () => expect(parseDateTime(text)).toBeUndefined())
  }
})

test('a moment is written in UTC, its fraction only where it has one', () => {
  expect(formatDateTime(new Date('2026-07-01T12:00:00.000Z'))).toBe('2026-07-01T12:00:00Z')
  expect(formatDateTime(new Date('2026-07-01T12:00:00.250Z'))).toBe('2026-07-01T12:00:00.250Z')
})

test('of several delays the first one tells when it was sent', () => {
  const message = xml(
    "<message><delay xmlns='urn:xmpp:delay' from='rooms.example' stamp='2026-06-01T00:00:00Z'/>" +
      "<delay xmlns='urn:xmpp:delay' from='example.com' stamp='2026-05-01T00:00:00Z'/><delay xmlns='urn:xmpp:delay' stamp='soon'/></message>",
  )
  expect(delayOf(message)).toEqual({ stamp: new Date('2026-05-01T00:00:00Z'), from: 'example.com' })
})

test('a message without a delay was sent now', () => {
  expect(delayOf(xml('<message><body>now</body></message>'))).toBeUndefined()
})

test('a delay is written as it is read', () => {
  const stamp = new Date('2026-06-01T10:20:30Z')
  expect(delayOf(xml('<message/>').withChildren([delayElement(stamp, 'example.com')]))).toEqual({ stamp, from: 'example.com' })
})
