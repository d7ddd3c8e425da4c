import { describe, expect, test } from 'vitest'
import { Manners } from '../../src/core/manners.ts'
import { Headers, SipRequest } from '../../src/sip/message.ts'

const PEER = 'sip:romeo@192.0.2.10'
const DAY_MS = 86_400_000

function world(peersMax = 10) {
  let now = 0
  const manners = new Manners(() => now, { peersMax, rememberedMs: DAY_MS })
  return { manners, pass: (ms: number) => (now += ms) }
}

const message = (type: string, body = '', more: string[] = []) =>
  new SipRequest('MESSAGE', 'sip:juliet@xmpp.example', new Headers(['Content-Type', type, ...more]), Buffer.from(body))

const NS = 'NS: imdn <urn:ietf:params:imdn>\r\n\r\n'

describe('a telephone is taken to read', () => {
  for (const [what, request, reads] of [
    ['nothing, after plain text', message('text/plain'), undefined],
    [
      'isComposing, when it writes that',
      message('application/im-iscomposing+xml;charset=UTF-8'),
      { composing: true, cpim: false, imdn: false },
    ],
    [
      'CPIM, when it wraps a text',
      message('message/cpim', 'From: <sip:romeo@xmpp.example>'),
      { composing: false, cpim: true, imdn: false },
    ],
    ['receipts, when its wrapper has them', message('Message/CPIM', NS), { composing: false, cpim: true, imdn: true }],
    ['receipts, when it sends one bare', message('message/imdn+xml'), { composing: false, cpim: true, imdn: true }],
    [
      'isComposing, when that is in a wrapper',
      message('message/cpim', 'Content-Type: application/im-iscomposing+xml'),
      { composing: true, cpim: true, imdn: false },
    ],
    [
      'what its Accept names',
      message('text/plain', '', ['Accept', 'text/plain, application/im-iscomposing+xml;q=0.5']),
      { composing: true, cpim: false, imdn: false },
    ],
    ['nothing, when its Accept says anything', message('text/plain', '', ['Accept', '*/*']), undefined],
  ] as const)
    test(what, () => {
      const { manners } = world()
      manners.heard(PEER, request)
      expect(manners.readsOf(PEER)).toEqual(reads)
      expect(manners.readsOf('sip:nurse@192.0.2.11')).toBeUndefined()
    })

  test('what it said it accepts when it was asked', () => {
    const { manners } = world()
    manners.accepts(PEER, 'text/plain, message/cpim, message/imdn+xml')
    expect(manners.readsOf(PEER)).toEqual({ composing: false, cpim: true, imdn: true })
  })
})

describe('a 415', () => {
  test('counts for more than what was heard, before and after', () => {
    const { manners } = world()
    manners.heard(PEER, message('application/im-iscomposing+xml'))
    manners.refused(PEER, 'application/im-iscomposing+xml')
    manners.heard(PEER, message('application/im-iscomposing+xml'))
    expect(manners.readsOf(PEER)?.composing).toBe(false)
    expect(manners.refuses(PEER, 'application/im-iscomposing+xml')).toBe(true)
    expect(manners.refuses(PEER, 'message/cpim')).toBe(false)
  })

  test('to a wrapper ends receipts, too', () => {
    const { manners } = world()
    manners.heard(PEER, message('message/cpim', NS))
    manners.refused(PEER, 'message/cpim')
    expect(manners.readsOf(PEER)).toEqual({ composing: false, cpim: false, imdn: false })
  })

  test('to plain text says nothing of this', () => {
    const { manners } = world()
    manners.refused(PEER, 'text/plain')
    expect(manners.size).toBe(0)
  })

  test('is forgotten after a day, and what was heard after a day of silence', () => {
    const { manners, pass } = world()
    manners.heard(PEER, message('application/im-iscomposing+xml'))
    manners.refused(PEER, 'application/im-iscomposing+xml')
    pass(DAY_MS - 1)
    manners.heard(PEER, message('application/im-iscomposing+xml'))
    expect(manners.readsOf(PEER)?.composing).toBe(false)
    pass(1)
    expect(manners.readsOf(PEER)?.composing).toBe(true)
    pass(DAY_MS)
    manners.readsOf(PEER)
    expect(manners.size).toBe(0)
  })
})

test('of more peers than are remembered, those heard of longest ago are forgotten', () => {
  const { manners } = world(2)
  for (const peer of ['a', 'b', 'a', 'c']) manners.heard(peer, message('message/cpim'))
  expect(manners.size).toBe(2)
  expect(manners.readsOf('b')).toBeUndefined()
  expect(manners.readsOf('a')?.cpim).toBe(true)
})
