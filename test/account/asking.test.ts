import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Asking } from '../../src/account/asking.ts'
import { Awaiting, PENDING_MAX } from '../../src/account/awaiting.ts'
import type { Session } from '../../src/account/sessions.ts'
import { Jid } from '../../src/address/jid.ts'
import { ACCEPTED } from '../../src/core/answer.ts'
import { uriFor } from '../../src/mapping/address.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { resultOf } from '../../src/stanza/reply.ts'
import { NS_CLIENT, Stanza } from '../../src/stanza/stanza.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { condition } from '../support/stanzas.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const JULIET = Jid.parse('juliet@xmpp.example/balcony')
const ROMEO = Jid.parse('romeo@xmpp.example/orchard')
const making = { now: () => new Date(), tag: () => 't', callId: () => 'c', host: 'xmpp.example', pagerType: () => 'chat' as const }

function session(jid: Jid): Session & { readonly got: Element[] } {
  const got: Element[] = []
  const state = { priority: 0, presence: undefined, isInterested: false }
  return { jid, uri: uriFor(jid), ...state, got, deliver: (xml) => got.push(xml), written: async () => {}, end: () => {} }
}

function question(id: string): Stanza {
  const xml = el('iq', NS_CLIENT, { type: 'get', id, from: JULIET.toString(), to: ROMEO.toString() }, el('query', 'jabber:iq:version'))
  return new Stanza(xml, JULIET, ROMEO)
}

test('a client that takes more than 20 s is waited for: 202 now, and its answer goes on by itself', async () => {
  const late: Stanza[] = []
  const asking = new Asking(ACCEPTED, (reply) => late.push(reply))
  const romeo = session(ROMEO)
  const iq = question('slow')
  const answer = asking.ask(romeo, iq, toSignal(iq, making))
  vi.advanceTimersByTime(20_001)
  expect((await answer).status).toBe(202)
  expect(asking.answered(romeo, resultOf(iq))).toBe(true)
  expect(late.map(({ id }) => id)).toEqual(['slow'])
})

test('an answer after 120 s is dropped, and so is one that nobody asked for', async () => {
  const late: Stanza[] = []
  const asking = new Asking(ACCEPTED, (reply) => late.push(reply))
  const romeo = session(ROMEO)
  const iq = question('too late')
  const answer = asking.ask(romeo, iq, toSignal(iq, making))
  vi.advanceTimersByTime(20_001)
  await answer
  vi.advanceTimersByTime(100_001)
  expect(asking.answered(romeo, resultOf(iq))).toBe(false)
  expect(asking.answered(romeo, resultOf(question('never asked')))).toBe(false)
  expect(late).toEqual([])
})

test('who asked hears remote-server-timeout after 120 s, once, and a later answer is not shown', () => {
  const awaiting = new Awaiting()
  const juliet = session(JULIET)
  awaiting.begin(juliet, question('unanswered'))
  vi.advanceTimersByTime(120_001)
  expect(juliet.got.map(condition)).toEqual(['remote-server-timeout'])
  expect(awaiting.end(juliet, ROMEO.toString(), 'unanswered')).toBe(false)
})

test('an answer in time ends the wait', () => {
  const awaiting = new Awaiting()
  const juliet = session(JULIET)
  awaiting.begin(juliet, question('answered'))
  expect(awaiting.end(juliet, ROMEO.toString(), 'answered')).toBe(true)
  vi.advanceTimersByTime(120_001)
  expect(juliet.got).toEqual([])
})

test('the thousand-and-first question without an answer is refused, and so is the same id twice', () => {
  const awaiting = new Awaiting()
  const juliet = session(JULIET)
  for (let i = 0; i < PENDING_MAX; i++) awaiting.begin(juliet, question(String(i)))
  expect(() => awaiting.begin(juliet, question('one more'))).toThrow(/1000 requests/)
  awaiting.end(juliet, ROMEO.toString(), '0')
  expect(() => awaiting.begin(juliet, question('1'))).toThrow(/still waiting/)
})

test('ten thousand questions that nobody answers cost one timer, and all end', () => {
  const awaiting = new Awaiting()
  const sessions = Array.from({ length: 10 }, (_, i) => session(Jid.parse(`juliet@xmpp.example/${i}`)))
  for (const one of sessions) for (let i = 0; i < 1_000; i++) awaiting.begin(one, question(String(i)))
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(120_001)
  for (const one of sessions) expect(one.got).toHaveLength(1_000)
})
