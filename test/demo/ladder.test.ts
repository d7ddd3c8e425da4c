import { describe, expect, test } from 'vitest'
import { columnsOf, fitted, folded, harmless } from '../../src/demo/columns.ts'
import type { Crossing } from '../../src/demo/crossing.ts'
import { Ladder } from '../../src/demo/ladder.ts'
import { hasColours, Palette } from '../../src/demo/palette.ts'
import { Screen } from './screen.ts'

const LONG =
  'Ὦ φῶς ἐκ τοῦ παραθύρου 🌙, 太陽が昇る, مرحبا, and so on and on until nobody can read it any more, not even on the widest screen there is'

function drawn(width: number, crossings: readonly Crossing[], isColoured = false): Screen {
  const screen = new Screen()
  let ms = 0
  const ladder = new Ladder(
    screen,
    () => width,
    new Palette(isColoured),
    () => ms++,
  )
  ladder.names()
  ladder.scene(1, 'a scene', 'what happens in it, told at some length, so that it does not fit into one line of the narrowest terminal')
  ladder.remarked('xmpp', 'TLSv1.3 from here on')
  for (const crossing of crossings) ladder.crossed(crossing)
  return screen
}

const crossing = (more: Partial<Crossing> = {}): Crossing => ({
  side: 'xmpp',
  direction: 'in',
  what: '<message>',
  notes: [],
  tone: 'asks',
  ...more,
})

describe('the ladder', () => {
  for (const width of [20, 80, 81, 100, 137, 200, 500]) {
    const used = Math.min(200, Math.max(80, width))
    test(`in ${width} columns every row is ${used} columns wide and its lines stand straight`, () => {
      const all = (['xmpp', 'sip'] as const).flatMap((side) =>
        (['in', 'out'] as const).flatMap((direction) => [
          crossing({ side, direction }),
          crossing({ side, direction, said: LONG, notes: [LONG, `P-XMPP-Data: <message${' x'.repeat(200)}/>`] }),
          crossing({ side, direction, what: LONG, said: 'no room for this' }),
        ]),
      )
      const rows = drawn(width, all).lines.filter((line) => /[│┤]$/.test(line))
      expect(rows.length).toBeGreaterThan(20)
      for (const row of rows) expect(columnsOf(row), row).toBe(used)
    })
  }

  test('an arrow goes from who sends to who receives', () => {
    const rows = drawn(80, [
      crossing({ said: 'hi' }),
      crossing({ side: 'sip', direction: 'out', what: 'MESSAGE', said: 'hi' }),
      crossing({ side: 'sip', what: '486 Busy Here', tone: 'refuses' }),
      crossing({ direction: 'out', what: "<message type='error'>", tone: 'refuses', notes: ['recipient-unavailable'] }),
    ]).lines.slice(-6, -1)
    expect(rows).toEqual([
      '   0.0 ms ├─ <message> “hi” ───────────────►│                                  │',
      '   1.0 ms │                                 ├─ MESSAGE “hi” ──────────────────►│',
      '   2.0 ms │                                 │◄───────────────── 486 Busy Here ─┤',
      "   3.0 ms │◄─────── <message type='error'> ─┤                                  │",
      '          │         recipient-unavailable   │                                  │',
    ])
  })

  test('colours are only added: without them the picture is the same', () => {
    const crossings = [crossing({ said: 'hi' }), crossing({ direction: 'out', tone: 'refuses', notes: ['why'] })]
    const coloured = drawn(100, crossings, true).text
    expect(coloured).toContain('\x1b[31m')
    expect(coloured.replace(/\x1b\[\d*m/g, '')).toBe(drawn(100, crossings).text)
  })

  test('what a stranger writes cannot take hold of the terminal', () => {
    const { text } = drawn(100, [crossing({ said: 'a\x1b[2Jb\r\nc\u009b31md\u202egnihton' })])
    expect(text).toContain('“a·[2Jb c·31mdgnihton”')
    expect(text).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/)
  })
})

describe('colours', () => {
  const terminal = { isTTY: true, hasColors: () => true }
  for (const [title, output, env, expected] of [
    ['a terminal has them', terminal, {}, true],
    ['a pipe has none', { hasColors: () => true }, {}, false],
    ['NO_COLOR takes them away', terminal, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR says nothing', terminal, { NO_COLOR: '' }, true],
    ['a terminal without them has none', { isTTY: true, hasColors: () => false }, {}, false],
  ] as const)
    test(title, () => expect(hasColours(output, env)).toBe(expected))
})

describe('columns of text', () => {
  for (const [text, columns] of [
    ['', 0],
    ['Wherefore', 9],
    ['Καλησπέρα', 9],
    ['ἔ', 1],
    ['🌹', 2],
    ['❤️', 2],
    ['👨‍👩‍👧', 2],
    ['🇬🇷', 2],
    ['太陽', 4],
    ['“…”', 3],
    ['مرحبا', 5],
  ] as const)
    test(`${JSON.stringify(text)} takes ${columns}`, () => expect(columnsOf(text)).toBe(columns))

  test('what is cut never ends in half a character, nor takes more than it may', () => {
    for (let most = 0; most < 30; most++) expect(columnsOf(fitted(LONG, most))).toBeLessThanOrEqual(most)
    expect(fitted('🌹🌹🌹', 4)).toBe('🌹…')
    expect(fitted('all of it', 9)).toBe('all of it')
  })

  test('a long header field is folded at spaces, and words that fit no line are divided', () => {
    expect(folded('one two three', 8, 3)).toEqual(['one two', 'three'])
    expect(folded('abcdefghij klm', 5, 3)).toEqual(['abcde', 'fghij', 'klm'])
    expect(folded('abcdefghij klm', 5, 2)).toEqual(['abcde', 'fghi…'])
  })

  test('white space of any kind is one space', () => expect(harmless('a\n\tb  c')).toBe('a b c'))
})
