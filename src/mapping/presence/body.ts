/** A document of one type out of a body: alone, or one part of several (RFC 5621 §3). */
import { RefusedError } from '../../core/port.ts'
import type { Document } from '../../core/subscriptions/port.ts'
import { parseDocument } from '../../xml/document.ts'
import type { Element } from '../../xml/element.ts'
import { XmlError } from '../../xml/xml-error.ts'
import { decodedText } from '../charset.ts'
import { type ContentType, parseContentType } from '../content-type.ts'
import { LIMITS } from '../limits.ts'
import { splitParts } from '../multipart.ts'
import { parsePart } from '../part.ts'

/** Its text. Throws RefusedError: 415 where there is no document of that type. */
export function bodyOfType({ contentType, body }: Document, wanted: string, accept: readonly (readonly [string, string])[]): string {
  const type = parseContentType(contentType)
  const found = type && find(type, body, wanted, 0)
  if (found === undefined) throw new RefusedError(415, `The body is no ${wanted}`, accept)
  return found
}

function find(type: ContentType, body: Buffer, wanted: string, depth: number): string | undefined {
  if (type.type === wanted) return decodedText(body, type.params.get('charset'))
  if (!type.type.startsWith('multipart/') || depth === LIMITS.bodyDepth) return undefined
  const boundary = type.params.get('boundary') ?? ''
  if (boundary === '') return undefined
  const parts = splitParts(body, boundary)
  if (parts.length > LIMITS.bodyParts) throw new RefusedError(400, `The body has more than ${LIMITS.bodyParts} parts`)
  for (const part of parts.map(parsePart)) {
    const inner = part.contentType
    const found = inner && find(inner, part.content(), wanted, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** Throws RefusedError for what is no XML, or more of it than a document may be. */
export function rootOf(text: string): Element {
  try {
    return parseDocument(text)
  } catch (cause) {
    if (cause instanceof XmlError) throw new RefusedError(400, `The document cannot be read: ${cause.message}`)
    throw cause
  }
}
