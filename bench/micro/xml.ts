/** CPU time of one stanza through the XML room, and the memory of a parser that waits: `npx tsx bench/micro/xml.ts`, beside saxes in the same run. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SaxesParser } from 'saxes'
import { Element, el, type Node } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { StreamParser } from '../../src/xml/stream-parser.ts'
import { openTag, write, writeAscii } from '../../src/xml/write.ts'

const CLIENT = 'jabber:client'
const CHUNK = 1_400
const BYTES = 4_000_000
const ROUNDS = 7

const HEADER = openTag(
  el('stream', 'http://etherx.jabber.org/streams', { to: 'capulet.example', version: '1.0', 'xml:lang': 'en' }),
  CLIENT,
)
const CHAT =
  "<message from='juliet@capulet.example/balcony' to='romeo@montague.example/orchard' id='3f9d-22' type='chat'><body>Art thou not Romeo, and a Montague?</body>" +
  "<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/></message>"
const PRESENCE =
  "<presence from='juliet@capulet.example/balcony' to='romeo@montague.example/orchard' id='p-77131' xml:lang='en'><show>away</show>" +
  '<status>Gone to the friar, back before the nurse notices anything</status><priority>5</priority>' +
  "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://psi-im.org' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>" +
  "<x xmlns='vcard-temp:x:update'><photo>9b1deb4d3b7d4bad9bdd2b0d7b3dcb6d9b1deb4d</photo></x>" +
  "<delay xmlns='urn:xmpp:delay' from='juliet@capulet.example/balcony' stamp='2023-07-10T23:08:25Z'/><idle xmlns='urn:xmpp:idle:1' since='2023-07-10T23:08:25Z'/>" +
  "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='member' role='participant' jid='juliet@capulet.example/balcony'/><status code='110'/></x></presence>"
const STANZAS: [name: string, xml: string][] = [
  ['chat message', CHAT],
  ['presence with extensions', PRESENCE],
  ['chat message in Greek', CHAT.replace('Art thou not Romeo, and a Montague?', 'Ἆρ᾽ οὐ σὺ Ῥωμαῖος εἶ καὶ Μοντέγος;')],
  ['long text', CHAT.replace('Art', 'Art '.repeat(200))],
]

/** Microseconds of CPU for one `count`th of what `run` does; the median of some rounds. */
function cost(count: number, run: () => void): number {
  const rounds: number[] = []
  for (let round = -2; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) rounds.push((user + system) / count)
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0
}

function chunks(xml: string): Buffer[] {
  const all = Buffer.from(xml.repeat(Math.ceil(BYTES / Buffer.byteLength(xml))))
  return Array.from({ length: Math.ceil(all.length / CHUNK) }, (_, i) => all.subarray(i * CHUNK, (i + 1) * CHUNK))
}

const heard = {
  stanzas: 0,
  streamOpened() {},
  elementArrived() {
    this.stanzas++
  },
  streamClosed() {},
}

function parsing(parts: Buffer[]): () => void {
  return () => {
    const parser = new StreamParser(heard)
    parser.push(Buffer.from(HEADER))
    for (const part of parts) parser.push(part)
  }
}

/** The same tree from saxes, as its users build it. */
function saxesParser(): SaxesParser<{ xmlns: true }> {
  const parser = new SaxesParser({ xmlns: true, position: false })
  const open: { name: string; ns: string; attrs: string[]; children: Node[] }[] = []
  parser.on('opentag', (tag) => {
    const attrs: string[] = []
    for (const key in tag.attributes) {
      const attribute = tag.attributes[key]
      if (attribute !== undefined && attribute.prefix !== 'xmlns' && key !== 'xmlns') attrs.push(attribute.name, attribute.value)
    }
    open.push({ name: tag.local, ns: tag.uri, attrs, children: [] })
  })
  parser.on('text', (text) => {
    if (open.length > 1) open.at(-1)?.children.push(text)
  })
  parser.on('closetag', () => {
    const ended = open.pop()
    if (ended === undefined) return
    const element = new Element(ended.name, ended.ns, ended.attrs, ended.children)
    if (open.length > 1) open.at(-1)?.children.push(element)
    else heard.elementArrived()
  })
  parser.write(HEADER)
  return parser
}

function saxesParsing(parts: Buffer[]): () => void {
  return () => {
    const parser = saxesParser()
    for (const part of parts) parser.write(part.toString())
  }
}

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Bytes of heap for one of many parsers that have read a stream header and a stanza. */
function heapOf<T>(make: () => T): number {
  const count = 10_000
  const kept: T[] = []
  for (let i = 0; i < 100; i++) make()
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < count; i++) kept.push(make())
  collectGarbage()
  const used = process.memoryUsage().heapUsed - before
  return used / kept.length
}

function written(xml: string, run: (tree: Element) => unknown): number {
  // Many trees: no server writes the same one over and over.
  const trees = Array.from({ length: 64 }, () => parseElement(xml, { ns: CLIENT }))
  const passes = Math.ceil(BYTES / Buffer.byteLength(xml) / trees.length)
  return cost(passes * trees.length, () => {
    for (let pass = 0; pass < passes; pass++) for (const tree of trees) run(tree)
  })
}

const COLUMNS = ['bytes', 'parse', 'saxes', 'parseElement', 'write', 'and encode', 'writeAscii']
console.log(`${'microseconds of CPU per stanza'.padEnd(32)}${COLUMNS.map((column) => column.padStart(13)).join('')}`)
for (const [name, xml] of STANZAS) {
  const bytes = Buffer.byteLength(xml)
  const parts = chunks(xml)
  const count = BYTES / bytes
  const scratch = Buffer.allocUnsafe(2 * bytes + 64)
  const figures = [
    cost(count, parsing(parts)),
    cost(count, saxesParsing(parts)),
    cost(Math.ceil(count), () => {
      for (let i = 0; i < count; i++) parseElement(xml, { ns: CLIENT })
    }),
    written(xml, (tree) => write(tree, CLIENT)),
    written(xml, (tree) => scratch.write(write(tree, CLIENT))),
    written(xml, (tree) => writeAscii(tree, CLIENT)),
  ]
  console.log(name.padEnd(32) + String(bytes).padStart(13) + figures.map((figure) => figure.toFixed(2).padStart(13)).join(''))
}

const idle = heapOf(() => {
  const parser = new StreamParser(heard)
  parser.push(Buffer.from(HEADER + PRESENCE + CHAT))
  return parser
})
const idleSaxes = heapOf(() => saxesParser().write(CHAT))
console.log(`\nheap of a parser that waits: ${idle.toFixed(0)} bytes; of saxes: ${idleSaxes.toFixed(0)}`)
