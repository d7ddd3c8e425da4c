import { expect, test } from 'vitest'
import { OK } from '../../src/core/answer.ts'
import { COMPOSERS_DEFAULTS, Composers } from '../../src/core/composers.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'

const PAIR = 'sip:romeo@192.0.2.10\njuliet@xmpp.example'

function world() {
  let now = 0
  const sent: string[] = []
  const composers = new Composers(() => now, COMPOSERS_DEFAULTS)
  const send = (request: SipRequest) => {
    sent.push(`${request.body.includes('active') ? 'active' : 'idle'} ${request.headers.get('CSeq')?.split(' ')[0]}`)
    return OK
  }
  const status = (state: 'active' | 'idle', key = PAIR) => {
    const headers = new Headers(['CSeq', '1 MESSAGE', 'Content-Type', 'application/im-iscomposing+xml'])
    return composers.status(key, new SipRequest('MESSAGE', 'sip:romeo@192.0.2.10', headers, Buffer.from(`<state>${state}</state>`)), send)
  }
  return {
    composers,
    sent,
    types: () => status('active'),
    stops: () => status('idle'),
    to: (key: string) => status('active', key),
    pass(seconds: number) {
      for (let n = 0; n < seconds; n++) {
        now += 1_000
        composers.tick()
      }
    },
  }
}

test('who types is told of once, and again at the end of each refresh interval while he types', () => {
  const { types, pass, sent, composers } = world()
  types()
  for (let n = 0; n < 5; n++) types()
  expect(sent).toEqual(['active 1'])
  pass(59)
  expect(sent).toEqual(['active 1'])
  types()
  pass(1)
  expect(sent).toEqual(['active 1', 'active 2'])
  types()
  pass(60)
  expect(sent).toHaveLength(3)
  composers.stop()
})

test('who stops is told of at once, and once', () => {
  const { types, stops, sent } = world()
  types()
  stops()
  stops()
  expect(sent).toEqual(['active 1', 'idle 1'])
})

test('who has not been said to type is not said to have stopped', () => {
  const { stops, sent } = world()
  expect(stops()).toBe(OK)
  expect(sent).toEqual([])
})

test('who types, stops and types again within an interval is told of again only at its end', () => {
  const { types, stops, pass, sent } = world()
  types()
  pass(5)
  stops()
  pass(5)
  types()
  stops()
  types()
  expect(sent).toEqual(['active 1', 'idle 1'])
  pass(50)
  expect(sent).toEqual(['active 1', 'idle 1', 'active 2'])
})

test('who has stopped at the end of an interval is told of no more', () => {
  const { types, stops, pass, sent, composers } = world()
  types()
  stops()
  types()
  stops()
  pass(600)
  expect(sent).toEqual(['active 1', 'idle 1'])
  expect(composers.size).toBe(0)
})

test('what is said needs no idle, and typing begins anew behind it', () => {
  const { types, stops, composers, sent, pass } = world()
  types()
  composers.said(PAIR)
  stops()
  types()
  expect(sent).toEqual(['active 1', 'active 1'])
  composers.said(PAIR)
  pass(600)
  expect(sent).toHaveLength(2)
})

test('whose client says nothing more is not said to type for ever', () => {
  const { types, pass, sent, composers } = world()
  types()
  pass(3_600)
  expect(sent).toEqual(['active 1', 'active 2', 'active 3', 'active 4', 'active 5', 'active 6'])
  expect(composers.size).toBe(0)
})

test('of more pairs than are remembered the oldest is forgotten', () => {
  const { to, composers } = world()
  for (let n = 0; n <= COMPOSERS_DEFAULTS.pairsMax; n++) to(`${n}`)
  expect(composers.size).toBe(COMPOSERS_DEFAULTS.pairsMax)
  composers.stop()
})
