/** UTF-8 that may end inside a character: RFC 3629 §3, RFC 6120 §11.6. */
import { isAscii, isUtf8 } from 'node:buffer'
import { XmlError } from './xml-error.ts'

/** How many bytes stand before a last character that is not whole; all of them where nothing is cut. */
export function wholeCharacters(bytes: Buffer): number {
  const end = bytes.length
  for (let back = 1; back <= 3 && back <= end; back++) {
    const byte = bytes[end - back] as number
    if (byte < 0x80) return end
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
      return back < length ? end - back : end
    }
  }
  return end
}

/** The text of bytes that end with a whole character. U+FEFF stays what it is: in XMPP it is no byte order mark. */
export function decode(bytes: Buffer): string {
  // Nearly all chunks are ASCII, and then the other decoder would cost several times as much.
  if (isAscii(bytes)) return bytes.toString('latin1')
  if (!isUtf8(bytes)) throw new XmlError('unsupported-encoding', 'Bytes that are not UTF-8')
  return bytes.toString('utf8')
}
