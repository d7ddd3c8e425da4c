/** message/cpim (RFC 3862): who, when and about what, around a MIME part. */
import { RefusedError } from '../core/port.ts'
import { parseDateTime } from '../stanza/datetime.ts'
import { ACCEPT } from './accept.ts'
import { oneLine } from './header-text.ts'
import { type Asked, type Wish, wishesIn } from './imdn.ts'
import { LIMITS } from './limits.ts'
import { headerLines, mimeHeaders, Part } from './part.ts'
import { xmlText } from './xml-text.ts'

const NS_CPIM = 'urn:ietf:params:cpim-headers:'
const NS_IMDN = 'urn:ietf:params:imdn'

/** The headers we act upon or may safely leave alone: all that `Require` may name (§4.8). */
const UNDERSTOOD = new Set(['From', 'To', 'cc', 'DateTime', 'Subject', 'NS', 'Require'])

export interface Cpim {
  readonly sentAt: Date | undefined
  /** Each with its language (§4.6). */
  readonly subjects: readonly { readonly text: string; readonly lang: string | undefined }[]
  /** RFC 5438 §6.3. */
  readonly messageId: string | undefined
  /** What its sender wants to be told (RFC 5438); undefined where that is nothing. */
  readonly asked: Asked | undefined
  /** What is wrapped. From and To of the wrapper are not believed: the request itself says who sent it. */
  readonly content: Part
}

/** §3.6: name, parameters, exactly one space, value. Names compare with case. */
const HEADER = /^([^\s:;]+):((?:;[^\s;]+)*) ?(.*)$/
const CONTENT_HEADER = /^content-/i

export function parseCpim(bytes: Buffer): Cpim {
  const outer = headerLines(bytes)
  // The examples of RFC 5438 and RFC 7702 leave out the empty line before the MIME headers, and so do telephones.
  const sloppy = outer.lines.findIndex((line) => CONTENT_HEADER.test(line))
  const own = sloppy < 0 ? outer.lines : outer.lines.slice(0, sloppy)
  const inner = sloppy < 0 ? headerLines(bytes, outer.end) : { lines: outer.lines.slice(sloppy), end: outer.end }
  const content = new Part(mimeHeaders(inner.lines), bytes.subarray(inner.end))
  if (!content.headers.has('Content-Type')) throw new RefusedError(400, 'The message/cpim holds no Content-Type (RFC 3862 §2.4)')
  return { ...read(own), content }
}

function read(lines: readonly string[]): Omit<Cpim, 'content'> {
  const prefixes = new Map([['imdn', NS_IMDN]])
  const subjects: { text: string; lang: string | undefined }[] = []
  let sentAt: Date | undefined
  let messageId: string | undefined
  let dateTime: string | undefined
  let recipient: string | undefined
  const wishes = new Set<Wish>()
  const routes: string[] = []
  for (const line of lines) {
    const match = HEADER.exec(line)
    if (!match) throw new RefusedError(400, 'The message/cpim has a header without a name')
    const [, written = '', params = '', raw = ''] = match
    const { ns, name } = resolved(written, prefixes)
    const value = unescaped(raw)
    if (ns === NS_IMDN) {
      if (name === 'Message-ID') messageId = xmlText(value.trim())
      else if (name === 'Disposition-Notification') for (const wish of wishesIn(value)) wishes.add(wish)
      else if (name === 'IMDN-Record-Route' && routes.length < LIMITS.imdnRoutes) routes.push(oneLine(value))
    }
    if (ns !== NS_CPIM) continue
    if (name === 'DateTime') {
      dateTime = xmlText(value.trim())
      sentAt = parseDateTime(dateTime)
    } else if (name === 'To') recipient ??= /<([^<>\s]+)>/.exec(value)?.[1]
    else if (name === 'Subject') subjects.push({ text: xmlText(value), lang: /;lang=([A-Za-z0-9-]+)/.exec(params)?.[1] })
    else if (name === 'NS') declare(value, prefixes)
    else if (name === 'Require') mustUnderstand(value)
  }
  const asked = messageId !== undefined && wishes.size > 0 ? { wishes, messageId, dateTime, routes, recipient } : undefined
  return { sentAt, subjects, messageId, asked }
}

/** §3.4: a prefix names a namespace that an `NS` header before it declared. */
function resolved(written: string, prefixes: ReadonlyMap<string, string>): { readonly ns: string; readonly name: string } {
  const dot = written.indexOf('.')
  if (dot < 0) return { ns: prefixes.get('') ?? NS_CPIM, name: written }
  return { ns: prefixes.get(written.slice(0, dot)) ?? '', name: written.slice(dot + 1) }
}

function declare(value: string, prefixes: Map<string, string>): void {
  const match = /^([^\s<]*) ?<([^>]*)>$/.exec(value.trim())
  if (match) prefixes.set(match[1] ?? '', match[2] ?? '')
}

/** §3.5: what a sender insists upon and we do not know may change the meaning of all the rest. */
function mustUnderstand(value: string): void {
  for (const name of value.split(',')) {
    if (!UNDERSTOOD.has(name.trim())) throw new RefusedError(415, 'The message/cpim requires a feature that is unknown here', ACCEPT)
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', r: '\r', '"': '"', "'": "'", '\\': '\\' }

/** §2.3.1; a backslash before anything else is left out, as §2.3.2 wants it. */
function unescaped(value: string): string {
  if (!value.includes('\\')) return value
  return value.replace(/\\(?:u([0-9A-Fa-f]{4})|([\s\S]?))/g, (_, code: string | undefined, character: string) =>
    code === undefined ? (ESCAPES[character] ?? character) : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
