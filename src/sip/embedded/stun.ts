/** STUN binding requests at a port of SIP (RFC 5626 §4.4.2, §8; RFC 5389): a telephone keeps its address translator open and learns whether it still has the same address. */
import { isIPv6 } from 'node:net'

const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const BINDING_ERROR = 0x0111
const COOKIE = 0x2112a442
const HEADER_BYTES = 20
/** Attributes below this must be understood (§15). */
const OPTIONAL_FROM = 0x8000
const XOR_MAPPED_ADDRESS = 0x0020
const ERROR_CODE = 0x0009
const UNKNOWN_ATTRIBUTES = 0x000a
/** More of these than a sane request has: what is longer is not told of. */
const UNKNOWN_MAX = 8

/** A message of SIP begins with a letter, one of STUN with two zero bits, and has the cookie (§6). */
export function isStun(bytes: Buffer): boolean {
  return bytes.length >= HEADER_BYTES && (bytes[0] ?? 0) < 0x40 && bytes.readUInt32BE(4) === COOKIE
}

/** What is answered, where it was a binding request at all. `host`, `port`: where it came from. */
export function stunAnswer(bytes: Buffer, host: string, port: number): Buffer | undefined {
  if (bytes.readUInt16BE(0) !== BINDING_REQUEST || bytes.readUInt16BE(2) !== bytes.length - HEADER_BYTES) return undefined
  const unknown = unknownIn(bytes)
  if (unknown.length > 0) return message(bytes, BINDING_ERROR, [attribute(ERROR_CODE, Buffer.from([0, 0, 4, 20])), unknownList(unknown)])
  return message(bytes, BINDING_SUCCESS, [attribute(XOR_MAPPED_ADDRESS, mapped(bytes, host, port))])
}

function unknownIn(bytes: Buffer): number[] {
  const unknown: number[] = []
  for (let at = HEADER_BYTES; at + 4 <= bytes.length && unknown.length < UNKNOWN_MAX; ) {
    const type = bytes.readUInt16BE(at)
    // We know none that a request needs: there are no credentials here (RFC 5626 §8).
    if (type < OPTIONAL_FROM) unknown.push(type)
    at += 4 + padded(bytes.readUInt16BE(at + 2))
  }
  return unknown
}

function message(request: Buffer, type: number, attributes: readonly Buffer[]): Buffer {
  const header = Buffer.from(request.subarray(0, HEADER_BYTES))
  const length = attributes.reduce((sum, one) => sum + one.length, 0)
  header.writeUInt16BE(type, 0)
  header.writeUInt16BE(length, 2)
  return Buffer.concat([header, ...attributes])
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length))
  bytes.writeUInt16BE(type, 0)
  bytes.writeUInt16BE(value.length, 2)
  value.copy(bytes, 4)
  return bytes
}

function unknownList(types: readonly number[]): Buffer {
  const value = Buffer.alloc(types.length * 2)
  for (const [index, type] of types.entries()) value.writeUInt16BE(type, index * 2)
  return attribute(UNKNOWN_ATTRIBUTES, value)
}

/** §15.2: hidden from translators that rewrite whatever looks like an address. */
function mapped(request: Buffer, host: string, port: number): Buffer {
  const address = isIPv6(host) ? sixteen(host) : Buffer.from(host.split('.').map(Number))
  const value = Buffer.alloc(4 + address.length)
  value[1] = address.length === 4 ? 1 : 2
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2)
  // The cookie and the transaction id stand side by side in the header.
  for (const [index, byte] of address.entries()) value[4 + index] = byte ^ (request[4 + index] ?? 0)
  return value
}

function sixteen(host: string): Buffer {
  const text = new URL(`http://[${host}]/`).hostname.slice(1, -1)
  const [head = '', tail] = text.split('::')
  const words = (part: string): number[] => (part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16)))
  const before = words(head)
  const after = words(tail ?? '')
  const all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
  const bytes = Buffer.alloc(16)
  for (const [index, word] of all.entries()) bytes.writeUInt16BE(word, index * 2)
  return bytes
}

const padded = (length: number): number => (length + 3) & ~3
