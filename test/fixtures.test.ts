/** sip-fixtures: every pair of files there is a test here. What the lines at their top may say stands in sip-fixtures/README.md. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { WireAnswer } from '../src/core/answer.ts'
import type { Arrival, HopPolicy } from '../src/core/port.ts'
import { WireSignal } from '../src/core/wire-signal.ts'
import { jidFor } from '../src/mapping/address.ts'
import { toAnswer } from '../src/mapping/answer.ts'
import { wishesIn, wishFor } from '../src/mapping/imdn.ts'
import type { Making } from '../src/mapping/making.ts'
import { presencesIn } from '../src/mapping/presence/presences-in.ts'
import { toReply } from '../src/mapping/reply.ts'
import { toSignal } from '../src/mapping/signal.ts'
import { toStanza } from '../src/mapping/stanza.ts'
import { parseMessage, print } from '../src/sip/codec.ts'
import { SipRequest, SipResponse } from '../src/sip/message.ts'
import { NS_CLIENT, Stanza } from '../src/stanza/stanza.ts'
import type { Element, Node } from '../src/xml/element.ts'
import { write } from '../src/xml/write.ts'
import { CORE, making, stanza, TRUSTED, UNTRUSTED, xml } from './mapping/world.ts'

const FOLDER = new URL('../sip-fixtures/', import.meta.url)
const VIA = 'SIP/2.0/TCP gateway.example;branch=z9hG4bKfixture'

interface Fixture {
  readonly settings: ReadonlyMap<string, string>
  readonly text: string
}

/** The lines with `#` at the top are comments, or settings where they begin with a known word; line breaks at the end are the editor's. */
function fixture(folder: string, name: string): Fixture {
  const lines = readFileSync(new URL(`${folder}/${name}`, FOLDER), 'utf8')
    .replace(/\n+$/, '')
    .split('\n')
  const first = lines.findIndex((line) => !line.startsWith('#'))
  const settings = new Map<string, string>()
  for (const line of lines.slice(0, first)) {
    const setting = /^# (hop|sender|pagerType|asked|wants): (.*)$/.exec(line)
    if (setting) settings.set(setting[1] ?? '', setting[2] ?? '')
  }
  return { settings, text: lines.slice(first).join('\n') }
}

function cases(folder: string, from: string, to: string): string[] {
  const files = readdirSync(new URL(folder, FOLDER))
  const names = files.filter((file) => file.endsWith(from)).map((file) => file.slice(0, -from.length))
  const alone = names.filter((name) => !files.includes(name + to))
  if (alone.length > 0) throw new Error(`${folder} has no ${to} beside ${alone.join(', ')}`)
  return names
}

function hopOf({ settings }: Fixture): HopPolicy {
  const hop: Record<string, unknown> = { ...CORE }
  for (const setting of (settings.get('hop') ?? '').split(',').filter((text) => text.trim() !== '')) {
    const [key = '', value = ''] = setting.trim().split('=')
    if (!(key in CORE) && key !== 'telephone' && key !== 'reads') throw new Error(`a hop has no ${key}`)
    if (key === 'reads') hop[key] = { composing: value.includes('composing'), cpim: value.includes('cpim'), imdn: value.includes('imdn') }
    else hop[key] = value === 'true' ? true : value === 'false' ? false : /^\d+$/.test(value) ? Number(value) : value
  }
  return { ...CORE, ...hop }
}

const makingOf = ({ settings }: Fixture): Making => ({
  ...making,
  pagerType: () => (settings.get('pagerType') === 'normal' ? 'normal' : 'chat'),
  askedFor: (_sender, news) => {
    const wishes = new Set(wishesIn(settings.get('wants') ?? ''))
    const wish = wishFor(news)
    if (wish === undefined || !wishes.has(wish)) return undefined
    return {
      wishes,
      messageId: news.messageId,
      dateTime: '2026-07-01T13:59:58+02:00',
      routes: ['<sip:relay@example.net>'],
      recipient: 'im:juliet@example.com',
    }
  },
})

/** As it is on the wire: header fields end in CRLF, and so do the lines of bodies that have lines; Content-Length is what it is. */
function onTheWire(text: string): Buffer {
  const end = text.indexOf('\n\n')
  const head = (end < 0 ? text : text.slice(0, end)).replace(/\nContent-Length:.*/i, '')
  const hasLines = /\n(?:content-type|c) *: *(?:multipart|message)\//i.test(head)
  const written = end < 0 ? '' : text.slice(end + 2)
  const body = Buffer.from(hasLines ? written.replaceAll('\n', '\r\n') : written)
  return Buffer.concat([Buffer.from(`${head.replaceAll('\n', '\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n`), body])
}

/** As it is in a file. Content-Length is compared where the file has one. */
function asFile(bytes: Buffer, like: string): string {
  const text = bytes.toString().replaceAll('\r\n', '\n').replace(/\n+$/, '')
  return /\nContent-Length:/.test(like) ? text : text.replace(/\nContent-Length:.*/, '')
}

/** Line breaks between elements are there for the eye. */
function withoutIndent(element: Element): Element {
  if (element.elements().length === 0) return element
  const children = element.children.filter((child) => typeof child !== 'string' || child.trim() !== '')
  return element.withChildren(children.map((child) => (typeof child === 'string' ? child : withoutIndent(child))))
}

const written = (element: Element): string => write(element, NS_CLIENT)
const writtenNode = (node: Node): string => (typeof node === 'string' ? node : written(node))

/** What was asked, as far as an answer says it: the same addresses, the other way round. */
function askedFor(reply: Stanza): Stanza {
  const attrs = `from='${reply.to}' to='${reply.from}' id='${reply.id ?? ''}'`
  return stanza(
    reply.kind === 'iq' ? `<iq type='get' ${attrs}><query xmlns='urn:asked'/></iq>` : `<message ${attrs}><body>asked</body></message>`,
  )
}

describe('a stanza becomes the SIP beside it', () => {
  for (const name of cases('xmpp-to-sip', '.xml', '.sip')) {
    const given = fixture('xmpp-to-sip', `${name}.xml`)
    const wanted = fixture('xmpp-to-sip', `${name}.sip`).text
    const parsed = stanza(given.text)
    const read = new Stanza(withoutIndent(parsed.xml), parsed.from, parsed.to)
    const hop = hopOf(given)

    if (wanted.startsWith('SIP/2.0 ')) {
      test(name, () => {
        const asked = askedFor(read)
        const response = toAnswer(read, toSignal(asked, makingOf(given))).responseFor(hop)
        expect(asFile(print(response), wanted)).toBe(wanted)
        const back = parseMessage(print(response))
        if (!(back instanceof SipResponse)) throw new Error('a response was read as a request')
        expect(toReply(asked, new WireAnswer(back, true))?.children.map(writtenNode)).toEqual(read.xml.children.map(writtenNode))
      })
      continue
    }
    test(name, () => {
      const request = toSignal(read, makingOf(given)).requestFor(hop)
      expect(asFile(print(request, VIA), wanted)).toBe(wanted)
    })
    if (hop.xmppData === 'off' || hop.telephone || !wanted.includes('\nP-XMPP-Data: ')) continue
    test(`${name}, and back again`, () => {
      const request = parseMessage(print(toSignal(read, makingOf(given)).requestFor(hop), VIA))
      if (!(request instanceof SipRequest)) throw new Error('a request was read as a response')
      const back = toStanza(WireSignal.of(request, TRUSTED), makingOf(given))
      expect(sorted(back.xml)).toEqual(sorted(read.xml))
    })
  }
})

/** Attributes and children of a stanza have no order. */
function sorted(element: Element): unknown {
  const attrs: string[] = []
  for (let i = 0; i < element.attrs.length; i += 2) attrs.push(`${element.attrs[i]}=${element.attrs[i + 1]}`)
  return [element.name, attrs.toSorted(), element.elements().map(written).toSorted()]
}

/** A document is a stanza for each tuple; everything else is one. */
function stanzasOf(request: SipRequest, arrival: Arrival, given: Fixture): readonly Stanza[] {
  const signal = WireSignal.of(request, arrival)
  const first = toStanza(signal, makingOf(given))
  const contentType = request.headers.get('Content-Type')
  if (request.method !== 'NOTIFY' || contentType === undefined || request.headers.has('P-XMPP-Data')) return [first]
  const options = { now: making.now(), language: request.headers.get('Content-Language') }
  const all = presencesIn({ contentType, body: request.body }, jidFor(signal.from), jidFor(signal.to), options)
  expect(all[0]).toEqual(first)
  return all
}

describe('SIP becomes the stanza beside it', () => {
  for (const name of cases('sip-to-xmpp', '.sip', '.xml')) {
    const given = fixture('sip-to-xmpp', `${name}.sip`)
    const around = xml(`<stanzas xmlns='${NS_CLIENT}'>${fixture('sip-to-xmpp', `${name}.xml`).text}</stanzas>`)
    const wanted = withoutIndent(around).elements().map(written)
    const arrival = given.settings.get('sender') === 'trusted' ? TRUSTED : UNTRUSTED
    test(name, () => {
      const message = parseMessage(onTheWire(given.text))
      if (message instanceof SipRequest) {
        expect(stanzasOf(message, arrival, given).map((found) => written(found.xml))).toEqual(wanted)
        return
      }
      const reply = toReply(stanza(given.settings.get('asked') ?? ''), new WireAnswer(message, arrival === TRUSTED))
      expect(reply ? [written(reply)] : []).toEqual(wanted)
    })
  }
})
