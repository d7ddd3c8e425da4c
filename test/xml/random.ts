/** Random trees, streams and damage, the same for the same seed. */
import { Element, type Node } from '../../src/xml/element.ts'

export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to `below`, `below` not included (mulberry32). */
  int(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }

  chance(percent: number): boolean {
    return this.int(100) < percent
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.int(list.length)] ?? list[0]
  }

  many<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.int(most + 1) }, make)
  }
}

const NAMES = ['message', 'body', 'iq', 'x', 'a', 'b', 'active', 'Ω', 'été', '属性', 'a.b-c_d', '_', '\u{10400}', 'xmlns2', 'xmpp'] as const
const NAMESPACES = ['jabber:client', 'jabber:server', 'urn:a', 'urn:b', 'http://jabber.org/protocol/chatstates', 'urn:%C3%A9'] as const
/** Decoded text, with all that needs care. */
const TEXTS = [
  'hello',
  ' ',
  '  two',
  '\n',
  '\t',
  '\r',
  '\r\n',
  '<',
  '>',
  '&',
  "'",
  '"',
  ']]>',
  ']]',
  ',',
  'é',
  'Ω',
  '属',
  '😀',
  '\u{10ffff}',
  '\ufffd',
  '\ufeff',
  '\u2028',
  '\x7f',
  '\x85',
  '&amp;',
  '<!--',
] as const

/** A tree as our parser would build it: texts never touch each other, no name stands twice. */
export function randomTree(random: Random, depth = 4): Element {
  const attrs: string[] = []
  for (const name of new Set(random.many(4, () => attributeName(random)))) attrs.push(name, text(random, 3))
  const children: Node[] = []
  if (depth > 0) {
    for (const child of random.many(4, () => (random.chance(50) ? text(random, 4) : randomTree(random, depth - 1)))) {
      const last = children.at(-1)
      if (typeof child === 'string' && typeof last === 'string') children[children.length - 1] = last + child
      else if (child !== '') children.push(child)
    }
  }
  return new Element(random.pick(NAMES), random.chance(10) ? '' : random.pick(NAMESPACES), attrs, children)
}

function attributeName(random: Random): string {
  const name = random.pick(NAMES)
  return random.chance(10) ? `xml:${random.pick(['lang', 'space'])}` : random.chance(20) ? `{${random.pick(NAMESPACES)}}${name}` : name
}

function text(random: Random, most: number): string {
  return random.many(most, () => random.pick(TEXTS)).join('')
}

/** A stream from its header to its end, with the liberties XML leaves and now and then something it does not. */
export function randomStream(random: Random): string {
  const prolog = random.chance(50)
    ? ''
    : random.pick(["<?xml version='1.0'?>", '<?xml version="1.0" encoding="utf-8" ?>\n', "<?xml version='1.0' standalone='yes'?>", '\n'])
  const header = `<stream:stream${space(random)}xmlns='jabber:client' xmlns:stream="http://etherx.jabber.org/streams"${attributes(random)}>`
  return `${prolog}${header}${random.many(5, () => markup(random, 3) + random.pick(['', '', ' ', '\r\n'])).join('')}</stream:stream>`
}

function markup(random: Random, depth: number): string {
  const prefix = random.chance(15) ? random.pick(['p:', 'q:', 'stream:', 'xml:']) : ''
  const name = prefix + random.pick(NAMES)
  const declarations = [
    random.chance(30) ? `${space(random)}xmlns=${quoted(random, random.chance(10) ? '' : random.pick(NAMESPACES))}` : '',
    random.chance(prefix === '' ? 10 : 90)
      ? `${space(random)}xmlns:${random.pick(['p', 'q'])}=${quoted(random, random.pick(NAMESPACES))}`
      : '',
  ].join('')
  const start = `<${name}${declarations}${attributes(random)}${random.pick(['', '', ' ', '\n'])}`
  if (depth === 0 || random.chance(30)) return `${start}/>`
  const content = random.many(4, () => (random.chance(50) ? markup(random, depth - 1) : written(random)))
  return `${start}>${content.join('')}</${name}${random.pick(['', '', ' '])}>`
}

function attributes(random: Random): string {
  return random
    .many(3, () => {
      const prefix = random.chance(8) ? random.pick(['p:', 'xml:', 'stream:']) : ''
      return `${space(random)}${prefix}${random.pick(NAMES)}${random.pick(['=', '=', ' = '])}${quoted(random, random.many(3, () => escaped(random)).join(''))}`
    })
    .join('')
}

function quoted(random: Random, value: string): string {
  const quote = random.pick(["'", '"'])
  return quote + value.replaceAll(quote, quote === "'" ? '&apos;' : '&quot;') + quote
}

function space(random: Random): string {
  return random.pick([' ', ' ', ' ', '\n', '\t', '  ', '\r\n'])
}

function written(random: Random): string {
  if (random.chance(15)) return `<![CDATA[${text(random, 3).replaceAll(']]>', ']]')}]]>`
  if (random.chance(3)) return random.pick(['<!-- -->', '<?php?>', '&nbsp;', '&', ']]>', '\x01', '\ufffe', '&#xfffe;'])
  return random.many(4, () => escaped(random)).join('')
}

function escaped(random: Random): string {
  const raw = random.pick(TEXTS)
  return [...raw]
    .map((character) => {
      if ('&<>\'"'.includes(character))
        return random.pick([...`&#${character.codePointAt(0)}; `.split(' ', 1), ENTITIES.get(character) ?? character] as [string, string])
      return random.chance(8) ? `&#x${character.codePointAt(0)?.toString(16)};` : character
    })
    .join('')
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ["'", '&apos;'],
  ['"', '&quot;'],
])

const SCRAPS = [
  '<',
  '>',
  '&',
  "'",
  '"',
  '/',
  '=',
  ':',
  ' ',
  ';',
  '#',
  '!',
  '?',
  '[',
  ']',
  ']]>',
  '<!--',
  '-->',
  '<![CDATA[',
  '<!DOCTYPE x>',
  '<?x?>',
  '&#0;',
  '&#',
  '&x;',
  '&lt;',
] as const
const MORE_SCRAPS = [
  "xmlns=''",
  " xmlns:p=''",
  " p:a=''",
  '<a>',
  '</a>',
  '<p:a/>',
  '</stream:stream>',
  '\0',
  '\x1f',
  '\x80',
  '\r',
  '\ufffe',
  '\ufeff',
  'é',
  '😀',
  '1',
  '-',
  '.',
  'xml',
] as const

/** The same bytes with a few accidents. */
export function damaged(random: Random, bytes: Buffer): Buffer {
  let out = bytes
  for (let times = 1 + random.int(3); times > 0; times--) out = damagedOnce(random, out)
  return out
}

function damagedOnce(random: Random, bytes: Buffer): Buffer {
  const at = random.int(bytes.length + 1)
  const length = 1 + random.int(random.chance(50) ? 2 : 20)
  const other = random.int(bytes.length + 1)
  switch (random.int(7)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)])
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(other, other + length), bytes.subarray(at)])
    case 2:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.int(256)]), bytes.subarray(at + 1)])
    case 3:
      return random.chance(20) ? bytes.subarray(0, at) : bytes
    case 4:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(MORE_SCRAPS)), bytes.subarray(at)])
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from(random.pick(SCRAPS)), bytes.subarray(at)])
  }
}
