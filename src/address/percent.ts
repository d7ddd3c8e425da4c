/** Percent-encoding in SIP URIs: each component has its own alphabet (RFC 3261 §19.1.2, §25.1). */

/** 1 where the ASCII character stands for itself. */
export type Alphabet = Uint8Array

const UNRESERVED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()"

/** unreserved and these. */
export function alphabet(more: string): Alphabet {
  const table = new Uint8Array(128)
  for (const character of UNRESERVED + more) table[character.charCodeAt(0)] = 1
  return table
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The characters meant; undefined where an escape is incomplete or the bytes are not UTF-8. */
export function percentDecoded(text: string): string | undefined {
  if (!text.includes('%')) return text
  const bytes = Buffer.from(text)
  let length = 0
  for (let i = 0; i < bytes.length; i++) {
    let byte = bytes[i] ?? 0
    if (byte === 0x25) {
      const high = hex(bytes[i + 1])
      const low = hex(bytes[i + 2])
      if (high < 0 || low < 0) return undefined
      byte = high * 16 + low
      i += 2
    }
    bytes[length++] = byte
  }
  try {
    return utf8.decode(bytes.subarray(0, length))
  } catch {
    // A fatal decoder throws for bytes that are not UTF-8, and for nothing else.
    return undefined
  }
}

/** Every byte outside the alphabet as %HH. */
export function percentEncoded(text: string, plain: Alphabet): string {
  for (let i = 0; i < text.length; i++) if (plain[text.charCodeAt(i)] !== 1) return encodedFrom(text, plain)
  return text
}

function encodedFrom(text: string, plain: Alphabet): string {
  let result = ''
  for (const byte of Buffer.from(text)) {
    result += plain[byte] === 1 ? String.fromCharCode(byte) : `%${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`
  }
  return result
}

function hex(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
