import { expect, test } from 'vitest'
import { Threads } from '../../src/account/threads.ts'
import { Wishes } from '../../src/account/wishes.ts'
import type { Asked, News, Wish } from '../../src/mapping/imdn.ts'

const ROMEO = 'sip:romeo@example.net'
const asked = (...wishes: Wish[]): Asked => ({
  wishes: new Set(wishes),
  messageId: 'm1',
  dateTime: undefined,
  routes: [],
  recipient: undefined,
})
const delivered: News = { kind: 'delivery', status: 'delivered', messageId: 'm1' }
const failed: News = { ...delivered, status: 'failed' }
const displayed: News = { kind: 'display', status: 'displayed', messageId: 'm1' }

test('a receipt is given once, however many clients send one, and to all telephones', () => {
  const wishes = new Wishes(() => 0)
  wishes.asked(ROMEO, 'm1', asked('positive-delivery', 'display'))
  const stanza = {}
  expect(wishes.for(ROMEO, delivered, stanza)).toBeDefined()
  expect(wishes.for(ROMEO, delivered, stanza)).toBeDefined()
  expect(wishes.for(ROMEO, delivered, {})).toBeUndefined()
  expect(wishes.for(ROMEO, displayed, {})).toBeDefined()
})

test('who was told of the delivery is not told that it failed', () => {
  const wishes = new Wishes(() => 0)
  wishes.asked(ROMEO, 'm1', asked('positive-delivery', 'negative-delivery'))
  expect(wishes.waitsFor(ROMEO, failed)).toBe(true)
  wishes.for(ROMEO, delivered, {})
  expect(wishes.waitsFor(ROMEO, failed)).toBe(false)
  expect(wishes.for(ROMEO, failed, {})).toBeUndefined()
})

test('nobody hears what he did not ask for, or of what another has said', () => {
  const wishes = new Wishes(() => 0)
  wishes.asked(ROMEO, 'm1', asked('display'))
  expect(wishes.for(ROMEO, delivered, {})).toBeUndefined()
  expect(wishes.for(ROMEO, failed, {})).toBeUndefined()
  expect(wishes.for('sip:tybalt@example.net', displayed, {})).toBeUndefined()
  expect(wishes.for(ROMEO, { ...displayed, messageId: 'm2' }, {})).toBeUndefined()
  expect(wishes.for(ROMEO, { kind: 'display', status: 'forbidden', messageId: 'm1' }, {})).toBeUndefined()
})

test('wishes are forgotten after a while, and the oldest of too many', () => {
  let now = 0
  const wishes = new Wishes(() => now, { messagesMax: 2, rememberedMs: 1_000 })
  for (const id of ['m0', 'm1', 'm2']) wishes.asked(ROMEO, id, asked('display'))
  expect(wishes.size).toBe(2)
  expect(wishes.waitsFor(ROMEO, { ...displayed, messageId: 'm0' })).toBe(false)
  expect(wishes.waitsFor(ROMEO, displayed)).toBe(true)
  now = 1_000
  expect(wishes.waitsFor(ROMEO, displayed)).toBe(false)
})

test('a Call-ID is a thread when it comes again', () => {
  const threads = new Threads()
  expect(threads.of('call-1@192.0.2.1')).toBeUndefined()
  expect(threads.of('call-2@192.0.2.1')).toBeUndefined()
  expect(threads.of('call-1@192.0.2.1')).toBe('call-1@192.0.2.1')
  expect(threads.of('call-1@192.0.2.1')).toBe('call-1@192.0.2.1')
})

test('Call-IDs that nobody uses twice are never threads, however many there are', () => {
  const threads = new Threads()
  let made = 0
  for (let n = 0; n < 50_000; n++) if (threads.of(`${n}-${n * 7}@192.0.2.1`) !== undefined) made++
  expect(made).toBe(0)
})
