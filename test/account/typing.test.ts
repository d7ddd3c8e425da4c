import { expect, test } from 'vitest'
import { Typing } from '../../src/account/typing.ts'
import type { Stanza } from '../../src/stanza/stanza.ts'
import { fromRomeo, stanza } from '../mapping/world.ts'

const NS = 'http://jabber.org/protocol/chatstates'
const state = (name: string) =>
  stanza(`<message from='romeo@example.net' to='juliet@example.com' type='chat' id='c1'><${name} xmlns='${NS}'/></message>`)
const nameOf = ({ xml }: Stanza) => xml.firstElement()?.name
const signal = fromRomeo({})

function world() {
  let now = 0
  const paused: Stanza[] = []
  const typing = new Typing(
    (one) => paused.push(one),
    () => now,
  )
  return {
    typing,
    paused,
    active: (refreshSeconds = 120) => typing.status(signal, state('composing'), { state: 'active', refreshSeconds }),
    idle: () => typing.status(signal, state('active'), { state: 'idle', refreshSeconds: 120 }),
    pass(ms: number) {
      now += ms
      typing.tick()
    },
  }
}

test('who typed and is idle has paused', () => {
  const { active, idle, paused } = world()
  expect(nameOf(active())).toBe('composing')
  expect(nameOf(idle())).toBe('paused')
  expect(nameOf(idle())).toBe('active')
  expect(paused).toEqual([])
})

test('who typed and said it is active, as RFC 7573 has it', () => {
  const { active, idle, typing } = world()
  active()
  typing.said(signal)
  expect(nameOf(idle())).toBe('active')
  expect(typing.size).toBe(0)
})

test('who is heard of no more has paused when his refresh is over, and each refresh gives him time', () => {
  const { active, pass, paused } = world()
  active(60)
  pass(59_000)
  active(60)
  pass(59_999)
  expect(paused).toEqual([])
  pass(1)
  expect(paused.map(nameOf)).toEqual(['paused'])
  expect(paused[0]?.to.toString()).toBe('juliet@example.com')
  pass(600_000)
  expect(paused).toHaveLength(1)
})

test('who said what he typed is not told of when the time is over', () => {
  const { active, pass, paused, typing } = world()
  active()
  typing.said(signal)
  pass(600_000)
  expect(paused).toEqual([])
})
