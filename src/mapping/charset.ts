/** Bytes of a text part as characters (RFC 2046 §4.1.2; UTF-8 where nothing is said, RFC 3261 §7.4.1). */
import { TextDecoder } from 'node:util'
import { RefusedError } from '../core/port.ts'
import { ACCEPT_TEXT } from './accept.ts'
import { xmlText } from './xml-text.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

export function decodedText(bytes: Buffer, charset: string | undefined): string {
  const decoder = decoderFor(charset?.toLowerCase() ?? 'utf-8')
  try {
    return xmlText(decoder.decode(bytes))
  } catch {
    // A fatal decoder throws for bytes that are not of its charset, and for nothing else.
    throw new RefusedError(400, `The body is not ${oneWord(charset ?? 'UTF-8')}`)
  }
}

function decoderFor(charset: string): TextDecoder {
  // US-ASCII that is not is nearly always UTF-8.
  if (charset === 'utf-8' || charset === 'us-ascii' || charset === 'ascii') return utf8
  try {
    return new TextDecoder(charset, { fatal: true })
  } catch {
    throw new RefusedError(415, `Charset ${oneWord(charset)} is unknown here; use UTF-8`, ACCEPT_TEXT)
  }
}

const oneWord = (text: string): string => text.replace(/[^A-Za-z0-9_-]/g, '?').slice(0, 40)
