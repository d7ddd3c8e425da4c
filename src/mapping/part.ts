/** One MIME part: its header fields and its content, taken out of its transfer encoding (RFC 2045). */
import { RefusedError } from '../core/port.ts'
import { Headers } from '../sip/message.ts'
import { ACCEPT } from './accept.ts'
import { type ContentType, parseContentType } from './content-type.ts'
import { LIMITS } from './limits.ts'

const LF = 0x0a
const CR = 0x0d

export class Part {
  constructor(
    readonly headers: Headers,
    /** As it stands in the message, still in its transfer encoding. */
    readonly encoded: Buffer,
  ) {}

  /** Undefined where none is given; throws RefusedError where it is not of the form. */
  get contentType(): ContentType | undefined {
    const value = this.headers.get('Content-Type')
    if (value === undefined) return undefined
    const type = parseContentType(value)
    if (!type) throw new RefusedError(400, 'Content-Type is not of the form type/subtype;name=value')
    return type
  }

  /** RFC 3261 §20.11: a part that may be left out where it is not understood. */
  get isOptional(): boolean {
    const disposition = parseContentType(this.headers.get('Content-Disposition') ?? '')
    return disposition?.params.get('handling')?.toLowerCase() === 'optional'
  }

  content(): Buffer {
    const encoding = (this.headers.get('Content-Transfer-Encoding') ?? 'binary').trim().toLowerCase()
    const decode = DECODERS[encoding]
    if (!decode) throw new RefusedError(415, 'The transfer encoding of the body is unknown here', ACCEPT)
    return decode(this.encoded)
  }
}

const asItIs = (bytes: Buffer): Buffer => bytes

const DECODERS: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  '7bit': asItIs,
  '8bit': asItIs,
  binary: asItIs,
  base64: (bytes) => Buffer.from(bytes.toString('latin1'), 'base64'),
  'quoted-printable': quotedPrintable,
}

/** RFC 2045 §6.7; an escape that is none stands for itself, as the RFC suggests. */
function quotedPrintable(bytes: Buffer): Buffer {
  const text = bytes
    .toString('latin1')
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\r\n')
  const decoded = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(decoded, 'latin1')
}

/** Header fields, an empty line, content. */
export function parsePart(bytes: Buffer): Part {
  const { lines, end } = headerLines(bytes)
  return new Part(mimeHeaders(lines), bytes.subarray(end))
}

/** The lines before the first empty one, and where the content begins behind it. */
export function headerLines(bytes: Buffer, from = 0): { readonly lines: readonly string[]; readonly end: number } {
  const lines: string[] = []
  let at = from
  while (at < bytes.length) {
    if (at - from > LIMITS.partHeaderBytes)
      throw new RefusedError(400, `A part of the body has more than ${LIMITS.partHeaderBytes} bytes of headers`)
    const lf = bytes.indexOf(LF, at)
    const next = lf < 0 ? bytes.length : lf + 1
    const stop = lf > at && bytes[lf - 1] === CR ? lf - 1 : lf < 0 ? bytes.length : lf
    if (stop === at) return { lines, end: next }
    lines.push(bytes.toString('utf8', at, stop))
    at = next
  }
  return { lines, end: bytes.length }
}

/** Folded lines are one (RFC 2822 §2.2.3). */
export function mimeHeaders(lines: readonly string[]): Headers {
  const list: string[] = []
  for (const line of lines) {
    const last = list.length - 1
    if (/^[ \t]/.test(line) && last > 0) {
      list[last] += ` ${line.trim()}`
      continue
    }
    const colon = line.indexOf(':')
    if (colon <= 0) throw new RefusedError(400, 'A part of the body has a header without a name')
    list.push(line.slice(0, colon).trim(), line.slice(colon + 1).trim())
  }
  return new Headers(list)
}
