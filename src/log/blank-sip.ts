/** A SIP message's text as the log may keep it: whole, but without what digest credentials could be guessed from, nor secrets of the stanza it carries. */
import { inflateRawSync, inflateSync } from 'node:zlib'
import { BLANK, blankStanza } from './blank-stanza.ts'

/** Bytes a compressed stanza may unfold to for the sake of a line in the log. */
const INFLATED_MAX_BYTES = 1_048_576

const CREDENTIALS = /^(authorization|proxy-authorization|authentication-info|proxy-authentication-info)\s*:/i
/** RFC 7616 §3.4: these answer the challenge; user name, realm and nonce stay. */
const DIGEST_SECRET = /(\b(?:response|cnonce|rspauth)\s*=\s*)(?:"[^"]*"|[^\s,"]+)/gi
const XMPP_XML = /^content-type\s*:\s*application\/xmpp\+xml/im
/** Head, content and end of a MIME part that holds a stanza. */
const PART = /(^content-type\s*:\s*application\/xmpp\+xml[\s\S]*?\r?\n\r?\n)([\s\S]*?)(\r?\n--|$(?![\s\S]))/gim
const STANZA = /^p-xmpp-data\s*:/i

export function blankSip(message: string): string {
  const end = /\r?\n\r?\n/.exec(message)
  const head = end ? message.slice(0, end.index) : message
  const rest = end ? message.slice(end.index) : ''
  // A line that begins with a blank continues the field above it (RFC 3261 §7.3.1).
  const fields = head.split(/\r?\n(?![ \t])/)
  const lineEnd = head.includes('\r\n') ? '\r\n' : '\n'
  return fields.map(blankField).join(lineEnd) + blankBody(head, rest)
}

function blankField(field: string): string {
  if (CREDENTIALS.test(field)) return blankCredentials(field)
  if (STANZA.test(field)) return blankCarried(field)
  return field
}

function blankCredentials(field: string): string {
  const [, name = '', scheme = ''] = /^([^:]*:\s*)(\S*)/.exec(field) ?? []
  // Whatever is not Digest (Basic, Bearer) is the secret itself. Authentication-Info has no scheme.
  const isDigest = /^digest$/i.test(scheme) || /^(proxy-)?authentication-info/i.test(name)
  return isDigest ? field.replace(DIGEST_SECRET, `$1"${BLANK}"`) : `${name}${scheme} ${BLANK}`
}

/** P-XMPP-Data in the forms A, B and C of docs/architecture.md; what cannot be read is not shown. */
function blankCarried(field: string): string {
  const [whole, name = '', value = ''] = /^([^:]*:\s*)([\s\S]*)$/.exec(field) ?? []
  if (whole === undefined || value === '' || /^cid:/i.test(value)) return field
  if (value.startsWith('<')) return name + blankStanza(value)
  const form = value.slice(0, 4)
  const stanza = readable(form, value.slice(4))
  if (stanza === undefined) return name + form + BLANK
  return blankStanza(stanza) === stanza ? field : name + form + BLANK
}

function readable(form: string, base64: string): string | undefined {
  const bytes = Buffer.from(base64, 'base64')
  if (form === 'b64:') return bytes.toString()
  if (form !== 'z64:') return undefined
  for (const inflate of [inflateSync, inflateRawSync]) {
    try {
      return inflate(bytes, { maxOutputLength: INFLATED_MAX_BYTES }).toString()
    } catch {
      // Not in this form, or too long for a log: the next one, or not shown at all.
    }
  }
  return undefined
}

/** Form E: the stanza is the body or a part of it, mostly in base64. */
function blankBody(head: string, rest: string): string {
  if (XMPP_XML.test(head)) return rest.replace(/\S[\s\S]*/, blankPart)
  if (!XMPP_XML.test(rest)) return rest
  return rest.replace(PART, (_, before: string, content: string, after: string) => before + blankPart(content) + after)
}

function blankPart(content: string): string {
  if (/^\s*</.test(content)) return blankStanza(content)
  const stanza = Buffer.from(content, 'base64').toString()
  return blankStanza(stanza) === stanza ? content : BLANK
}
