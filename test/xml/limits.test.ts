/** What strangers cannot make the parsers hold, and how long they cannot keep them busy (RFC 6120 §13.12). */
import { describe, expect, test } from 'vitest'
import { XML_LIMITS } from '../../src/xml/limits.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { StreamParser } from '../../src/xml/stream-parser.ts'
import { HEADER, opened, pieces, Recording, refusal } from './recording.ts'

const { stanzaMaxBytes, headerMaxBytes, depthMax, elementsMax, attributesMax, prefixesMax, nameMaxLength, namespaceMaxLength } = XML_LIMITS

function nested(depth: number): string {
  return '<a>'.repeat(depth) + '</a>'.repeat(depth)
}
function numbered(count: number, item: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => item(i)).join('')
}

describe.each([
  ['depth', nested(depthMax), nested(depthMax + 1)],
  [
    'empty elements at the greatest depth',
    nested(depthMax - 1).replace('<a></a>', '<a><b/></a>'),
    nested(depthMax).replace('<a></a>', '<a><b/></a>'),
  ],
  ['elements', `<a>${'<b/>'.repeat(elementsMax - 1)}</a>`, `<a>${'<b/>'.repeat(elementsMax)}</a>`],
  ['attributes', `<a${numbered(attributesMax, (i) => ` a${i}=''`)}/>`, `<a${numbered(attributesMax + 1, (i) => ` a${i}=''`)}/>`],
  [
    'prefixes in one tag',
    `<a${numbered(prefixesMax, (i) => ` xmlns:a${i}='u'`)}/>`,
    `<a${numbered(prefixesMax + 1, (i) => ` xmlns:a${i}='u'`)}/>`,
  ],
  ['the length of a name', `<${'n'.repeat(nameMaxLength)}/>`, `<${'n'.repeat(nameMaxLength + 1)}/>`],
  ['the length of the name of an attribute', `<a ${'n'.repeat(nameMaxLength)}=''/>`, `<a ${'n'.repeat(nameMaxLength + 1)}=''/>`],
  ['the length of a namespace', `<a xmlns='${'n'.repeat(namespaceMaxLength)}'/>`, `<a xmlns='${'n'.repeat(namespaceMaxLength + 1)}'/>`],
])('%s', (_what, most, tooMuch) => {
  test('may reach the limit', () => {
    expect(new Recording().push(`<root>${most}${most}`).elements).toHaveLength(2)
    expect(parseElement(most)).toBeDefined()
  })
  test('may not pass it', () => {
    expect(refusal(() => new Recording().push(`<root>${tooMuch}`)).condition).toBe('policy-violation')
    expect(refusal(() => parseElement(tooMuch)).condition).toBe('policy-violation')
  })
})

test('prefixes count with those around them', () => {
  const xml = '<a>'.replace('>', `${numbered(prefixesMax / 2, (i) => ` xmlns:a${i}='u'`)}>`)
  const inner = `<b${numbered(prefixesMax / 2 + 1, (i) => ` xmlns:b${i}='u'`)}/></a>`
  expect(refusal(() => parseElement(xml + inner)).condition).toBe('policy-violation')
  expect(parseElement(`${xml}<c xmlns:c='u'/>${inner.replace(" xmlns:b0='u'", '')}`)).toBeDefined()
})

describe('the size of a stanza', () => {
  const limits = { ...XML_LIMITS, stanzaMaxBytes: 10_000 }
  const stanza = (bytes: number, fill = 'x') => {
    const frame = '<message><body></body></message>'
    return frame.replace('</body>', `${fill.repeat((bytes - frame.length) / Buffer.byteLength(fill))}</body>`)
  }

  test.each([1, 100, 1_400, 65_536])('is counted to the byte, in pieces of %i', (size) => {
    const stream = opened(limits)
    stream.push(...pieces(Buffer.from(stanza(10_000).repeat(3)), size))
    expect(stream.elements).toHaveLength(3)
    expect(refusal(() => stream.push(...pieces(Buffer.from(stanza(10_001)), size))).condition).toBe('policy-violation')
  })

  test.each([1, 1_400, 65_536])('is counted in bytes, not in characters, in pieces of %i', (size) => {
    const stream = opened(limits)
    stream.push(...pieces(Buffer.from(stanza(10_000, '😀').repeat(3)), size))
    expect(stream.elements).toHaveLength(3)
    expect(refusal(() => stream.push(...pieces(Buffer.from(stanza(10_004, '😀')), size))).condition).toBe('policy-violation')
    expect(parseElement(stanza(10_000, '😀'), { limits })).toBeDefined()
    expect(refusal(() => parseElement(stanza(10_004, '😀'), { limits })).condition).toBe('policy-violation')
  })

  const ENDLESS: [what: string, start: string, more: string][] = [
    ['text', '<message><body>', 'x'],
    ['an attribute', "<message id='", 'x'],
    ['white space in a tag', '<message ', ' '],
    ['a name', '<', 'x'],
    ['CDATA', '<message><![CDATA[', 'x'],
    ['children', '<message>', '<a/>'],
    ['children with text', '<message>', '<a>b</a>'],
  ]
  test.each(ENDLESS)('trips while the stanza is still coming: %s', (_what, start, more) => {
    const stream = opened(limits).push(start)
    let sent = 0
    const error = refusal(() => {
      for (; sent < 10_000_000; sent += 1_400) stream.push(more.repeat(1_400 / more.length))
    })
    expect(error.condition).toBe('policy-violation')
    expect(sent).toBeLessThan(12_000)
  })

  test('trips at the default in one huge chunk, which is not read to its end', () => {
    const stream = opened()
    expect(refusal(() => stream.push(Buffer.alloc(10_000_000, '<message>'))).condition).toBe('policy-violation')
    expect(refusal(() => opened().push(`<message><body>${'x'.repeat(10_000_000)}`)).message).toContain(String(stanzaMaxBytes))
  })

  test('can be raised when a client has logged in', () => {
    const stream = opened(limits).push('<auth/>')
    stream.parser.restart(XML_LIMITS)
    stream.push(HEADER, stanza(100_000))
    expect(stream.elements).toHaveLength(2)
  })
})

test('a stream header has a limit of its own', () => {
  const header = (bytes: number) => `<stream a='${'x'.repeat(bytes - "<stream a=''>".length)}'>`
  expect(new Recording().push(...pieces(Buffer.from(header(headerMaxBytes)), 100)).root).toBeDefined()
  expect(refusal(() => new Recording().push(...pieces(Buffer.from(header(headerMaxBytes + 200)), 100))).condition).toBe('policy-violation')
})

describe('time grows with the input and not faster', () => {
  const limits = { ...XML_LIMITS, stanzaMaxBytes: 1e9, elementsMax: 1e9, headerMaxBytes: 1e9, nameMaxLength: 1e9 }

  /** CPU seconds. */
  function cost(xml: string, size: number): number {
    const parts = [...pieces(Buffer.from(xml), size)]
    let arrived = 0
    const parser = new StreamParser(
      { streamOpened: () => undefined, elementArrived: () => arrived++, streamClosed: () => undefined },
      limits,
    )
    parser.push(Buffer.from('<root>'))
    const before = process.cpuUsage()
    for (const part of parts) parser.push(part)
    const { user, system } = process.cpuUsage(before)
    expect(arrived).toBe(1)
    return (user + system) / 1e6
  }

  const LONG: [what: string, xml: (n: number) => string][] = [
    ['an attribute', (n) => `<a b='${'x'.repeat(n)}'/>`],
    ['an attribute full of >', (n) => `<a b='${'>'.repeat(n)}'/>`],
    ['an attribute full of references', (n) => `<a b='${'&amp;'.repeat(n / 5)}'/>`],
    ['space in a tag', (n) => `<a${' '.repeat(n)}/>`],
    ['text', (n) => `<a>${'x'.repeat(n)}</a>`],
    ['text full of references', (n) => `<a>${'&#65;'.repeat(n / 5)}</a>`],
    ['text full of ]', (n) => `<a>${']'.repeat(n)}</a>`],
    ['CDATA', (n) => `<a><![CDATA[${']>'.repeat(n / 2)}]]></a>`],
    ['many CDATA sections', (n) => `<a>${'<![CDATA[x]]>'.repeat(n / 13)}</a>`],
    ['many children', (n) => `<a>${'<b/>'.repeat(n / 4)}</a>`],
    ['many children with text between', (n) => `<a>${'<b/>x'.repeat(n / 5)}</a>`],
    ['a name', (n) => `<a><${'n'.repeat(n)}/></a>`],
  ]
  // To read a token again for each chunk would take 4 s for 3 MB, and half a minute byte by byte; to read it once takes up to 0.3 s.
  const SECONDS = 2
  test.each(LONG)('%s of 3 MB in chunks of 1,400 bytes', { timeout: 60_000 }, (_what, xml) => {
    expect(cost(xml(3_000_000), 1_400)).toBeLessThan(SECONDS)
  })

  test.each(LONG)('%s of 200 KB byte by byte', { timeout: 60_000 }, (_what, xml) => {
    expect(cost(xml(200_000), 1)).toBeLessThan(SECONDS)
  })

  test('an attribute of 6 MB', { timeout: 60_000 }, () => {
    expect(cost(`<a b='${'x'.repeat(6_000_000)}'/>`, 1_400)).toBeLessThan(SECONDS)
  })
})
