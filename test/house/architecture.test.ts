/** The rules of the house that a machine can hold: who imports whom (docs/architecture.md), and how files look (CONTRIBUTING.md). */
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importTable, objection, roomOf } from './import-table.ts'
import { foldersIn, importsOf, type Source, sourcesIn } from './sources.ts'

const src = sourcesIn('src')
const everything = [...src, ...sourcesIn('test'), ...sourcesIn('bench')]

const LINES = 350
/** Files that are longer, each with its reason. */
const LONGER: Readonly<Record<string, string>> = {}

/** A breach of a rule for each file it finds one in. */
function breaches(sources: readonly Source[], breach: (source: Source) => string | undefined): string[] {
  return sources.map(breach).filter((found) => found !== undefined)
}

describe('who imports whom', () => {
  const table = importTable()

  test('every room imports what its row in docs/architecture.md allows, and nothing else', () => {
    const found = src.flatMap((source) =>
      importsOf(source)
        .filter((name) => name.startsWith('src/'))
        .map((name) => objection(source.path, name, table))
        .filter((found) => found !== undefined),
    )
    expect(found).toEqual([])
  })

  test('the table is a ladder: no two rooms may import each other', () => {
    const pairs = [...table].flatMap(([room, allowed]) =>
      allowed.filter((other) => table.get(other)?.includes(room)).map((other) => `${room}, ${other}`),
    )
    expect(pairs).toEqual([])
  })

  test('the table speaks of no room that it has no row for', () => {
    const named = [...table.values()].flat().filter((room) => room !== 'everything' && !table.has(room))
    expect(named).toEqual([])
  })

  test('SIP code has never heard of XMPP', () => {
    const found = src
      .filter(({ path }) => path.startsWith('src/sip/'))
      .flatMap((source) => importsOf(source).map((name) => ({ path: source.path, name })))
      .filter(({ name }) => name === 'src/address/jid.ts' || /^src\/(?:xml|stanza|mapping|account|stream)\//.test(name))
      .map(({ path, name }) => `${path} imports ${name}: SIP code has never heard of XMPP`)
    expect(found).toEqual([])
  })

  test('a feature imports no other feature', () => {
    const found = src
      .filter(({ path }) => path.startsWith('src/features/') && path !== 'src/features/index.ts')
      .flatMap((source) =>
        importsOf(source)
          .filter((name) => name.startsWith('src/features/'))
          .map((name) => `${source.path} imports ${name}`),
      )
    expect(found).toEqual([])
  })

  test('what only computes reaches for no file, socket, clock or chance', () => {
    const rooms = new Set(['address', 'xml', 'stanza', 'mapping', 'sip/message'])
    const doors = /^node:(?:child_process|cluster|dgram|dns|fs|http|https|http2|process|readline|timers|tls|worker_threads)/
    const found = breaches(src, (source) => {
      if (!rooms.has(roomOf(source.path))) return undefined
      const door = importsOf(source).find((name) => doors.test(name))
      if (door !== undefined) return `${source.path} imports ${door}`
      // sip/message makes tags and branches, so chance is allowed there.
      const forbidden =
        roomOf(source.path) === 'mapping'
          ? /\b(?:Date\.now|Math\.random|randomBytes|randomUUID|setTimeout|setInterval|process)\b|new Date\(\)/
          : /\b(?:Date\.now|setTimeout|setInterval)\b|new Date\(\)/
      const call = forbidden.exec(code(source.text))
      return call === null ? undefined : `${source.path} uses ${call[0]}: clock and chance come as an argument`
    })
    expect(found).toEqual([])
  })

  test('tests of one room do not live in src', () => {
    expect(breaches(src, ({ path }) => (path.endsWith('.test.ts') ? path : undefined))).toEqual([])
  })
})

describe('how files look', () => {
  test('every file begins by saying what it is', () => {
    const found = breaches(src, ({ path, text }) =>
      /^(?:#![^\n]*\n)?\/\*\*\s*\S/.test(text) ? undefined : `${path} does not begin with a comment that says what it is`,
    )
    expect(found).toEqual([])
  })

  test(`no file is longer than ${LINES} lines without a reason`, () => {
    const found = breaches(everything, ({ path, text }) => {
      const lines = text.split('\n').length - 1
      return lines > LINES && !(path in LONGER) ? `${path} has ${lines} lines: divide it, or give the reason in this test` : undefined
    })
    expect(found).toEqual([])
    const needless = Object.keys(LONGER).filter(
      (path) => (everything.find((source) => source.path === path)?.text.split('\n').length ?? 0) - 1 <= LINES,
    )
    expect(needless, 'files that need no exception any more').toEqual([])
  })

  test('no folder and no file is called utils, helpers, common or types', () => {
    const drawers = /^(?:utils?|helpers?|common|types?|misc|shared)$/
    const found = [...['src', 'test', 'bench'].flatMap(foldersIn), ...everything.map(({ path }) => path)].filter((path) =>
      drawers.test(basename(path, '.ts')),
    )
    expect(found).toEqual([])
  })

  test('files are named in lower case, by words with hyphens', () => {
    const found = everything
      .map(({ path }) => path)
      .filter((path) => !/^(?:[a-z0-9]+(?:[-.][a-z0-9]+)*\/)+[a-z0-9]+(?:[-.][a-z0-9]+)*\.ts$/.test(path))
    expect(found).toEqual([])
  })

  test('the compiler is not silenced', () => {
    const silenced = /\bas any\b|\bas unknown as\b|@ts-(?:ignore|nocheck|expect-error)/
    const found = breaches(everything, ({ path, text }) => {
      const match = path === 'test/house/architecture.test.ts' ? null : silenced.exec(text)
      return match === null ? undefined : `${path} says ${match[0]}`
    })
    expect(found).toEqual([])
  })

  test('nothing is left for later without a name and a date', () => {
    const found = breaches(everything, ({ path, text }) => {
      const match = path === 'test/house/architecture.test.ts' ? null : /\b(?:TODO|FIXME|XXX)\b(?! \(\w+, \d{4}-\d\d-\d\d\))/.exec(text)
      return match === null ? undefined : `${path} has a bare ${match[0]}`
    })
    expect(found).toEqual([])
  })
})

describe('the rules themselves', () => {
  const table = importTable()
  for (const [path, imported, why] of [
    ['src/sip/codec.ts', 'src/xml/element.ts', 'sip/message may import address, not xml'],
    ['src/address/jid.ts', 'src/log/log.ts', 'address may import nothing of ours, not log'],
    ['src/core/router.ts', 'src/mapping/signal.ts', 'core may import'],
    ['src/core/port.ts', 'src/core/router.ts', 'core/port may import'],
    ['src/mapping/signal.ts', 'src/core/router.ts', 'not core '],
    ['src/stream/c2s.ts', 'src/config/load.ts', 'not config'],
    ['src/stream/c2s.ts', 'src/main.ts', 'not main'],
    ['src/account/deliver.ts', 'src/sip/embedded/udp.ts', 'not sip/*'],
    ['src/sip/drachtio/stack.ts', 'src/sip/embedded/udp.ts', 'no other adapter'],
    ['src/cellar/wine.ts', 'src/log/log.ts', 'no row for the room cellar'],
  ] as const) {
    test(`${path} may not import ${imported}`, () => {
      expect(objection(path, imported, table)).toContain(path)
      expect(objection(path, imported, table)).toContain(why)
    })
  }
  for (const [path, imported] of [
    ['src/sip/embedded/udp.ts', 'src/sip/codec.ts'],
    ['src/sip/embedded/udp.ts', 'src/sip/embedded/wheel.ts'],
    ['src/main.ts', 'src/config/load.ts'],
    ['src/mapping/signal.ts', 'src/core/port.ts'],
    ['src/stream/sasl/plain.ts', 'src/store/port.ts'],
  ] as const) {
    test(`${path} may import ${imported}`, () => expect(objection(path, imported, table)).toBeUndefined())
  }

  test('an import is seen however it is written', () => {
    const text = [
      "import type { A } from './a.ts'",
      "import {\n  b,\n  type C,\n} from '../b.ts'",
      "export * from './c.ts'",
      "import './d.ts'",
      "const e = await import('./e.ts')",
      "import { f } from 'node:fs'",
    ].join('\n')
    expect(importsOf({ path: 'src/room/file.ts', text })).toEqual([
      'src/room/a.ts',
      'src/b.ts',
      'src/room/c.ts',
      'src/room/d.ts',
      'node:fs',
      'src/room/e.ts',
    ])
  })
})

/** The text without comments, roughly: enough to look for calls. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
}
