/** Bodies in several parts (RFC 2046 §5.1): cutting them, and writing the one form we send. */
import { RefusedError } from '../core/port.ts'
import { LIMITS } from './limits.ts'

const LF = 0x0a
const CR = 0x0d
const DASH = 0x2d

/** The parts between the delimiters; what stands before the first and behind the last is nobody's. */
export function splitParts(body: Buffer, boundary: string): Buffer[] {
  const delimiter = Buffer.from(`--${boundary}`)
  const parts: Buffer[] = []
  let start = -1
  for (let at = body.indexOf(delimiter); at >= 0; at = body.indexOf(delimiter, at + delimiter.length)) {
    if (at > 0 && body[at - 1] !== LF) continue
    const after = at + delimiter.length
    const isLast = body[after] === DASH && body[after + 1] === DASH
    const next = isLast ? body.length : lineEnd(body, after)
    // A longer boundary that begins like this one.
    if (next < 0) continue
    if (start >= 0) parts.push(body.subarray(start, Math.max(start, body[at - 2] === CR ? at - 2 : at - 1)))
    if (isLast) return parts
    if (parts.length >= LIMITS.bodyParts) throw new RefusedError(400, `The body has more than ${LIMITS.bodyParts} parts`)
    start = next
  }
  throw new RefusedError(400, 'The multipart body has no end')
}

/** Behind the line break that ends a delimiter; -1 where other text follows it. */
function lineEnd(body: Buffer, from: number): number {
  for (let at = from; at < body.length; at++) {
    const byte = body[at]
    if (byte === LF) return at + 1
    if (byte !== CR && byte !== 0x20 && byte !== 0x09) return -1
  }
  return -1
}

/** One part to be written: its header fields, name, value …, and its content, already encoded. */
export interface WrittenPart {
  readonly fields: readonly string[]
  readonly content: Buffer
}

/** The boundary must stand in no part: it is made from a digest of them all. */
export function joinParts(parts: readonly WrittenPart[], boundary: string): Buffer {
  const pieces: Buffer[] = []
  for (const { fields, content } of parts) {
    let head = `--${boundary}\r\n`
    for (let i = 0; i < fields.length; i += 2) head += `${fields[i]}: ${fields[i + 1]}\r\n`
    pieces.push(Buffer.from(`${head}\r\n`), content, Buffer.from('\r\n'))
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return Buffer.concat(pieces)
}
