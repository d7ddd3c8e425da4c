/** What may stand before a stream header: XML 1.0 §2.8 within RFC 6120 §11.5, §11.6 and §11.8. */
import { isSpace } from './characters.ts'
import { malformed, XmlError } from './xml-error.ts'

const OPENING = '<?xml'
/** Twice what a declaration with every liberty takes. It is read again whenever more of it comes. */
const DECLARATION_MAX_LENGTH = 256
const DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:'([^'<]*)'|"([^"<]*)")(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:'([^'<]*)'|"([^"<]*)"))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:'(?:yes|no)'|"(?:yes|no)"))?[ \t\r\n]*\?>$/

/** Where an XML declaration that begins at `at` ends: `at` where there is none, -1 where it is not whole. `standalone` is ignored, as §11.5 allows. */
export function declarationEnd(text: string, at: number): number {
  const rest = text.length - at
  if (rest <= OPENING.length) return rest > 0 && OPENING.startsWith(text.slice(at)) ? -1 : at
  if (!text.startsWith(OPENING, at) || !isSpace(text.charCodeAt(at + OPENING.length))) return at
  const end = text.indexOf('?>', at) + 2
  if (end === 1 && rest <= DECLARATION_MAX_LENGTH) return -1
  const parts = DECLARATION.exec(text.slice(at, end === 1 ? at : end))
  if (parts === null) throw malformed('An XML declaration that is not one')
  if ((parts[1] ?? parts[2]) !== '1.0') throw malformed('XMPP is XML 1.0')
  if ((parts[3] ?? parts[4] ?? 'utf-8').toLowerCase() !== 'utf-8') throw new XmlError('unsupported-encoding', 'XMPP is UTF-8')
  return end
}

/** The first bytes of a connection, where they tell that all others will be useless. */
export function checkFirstBytes(bytes: Buffer): void {
  const [first, second, third] = bytes
  if (
    (first === 0xff && second === 0xfe) ||
    (first === 0xfe && second === 0xff) ||
    (first === 0 && second === 0x3c) ||
    (first === 0x3c && second === 0)
  ) {
    throw new XmlError('unsupported-encoding', 'UTF-16, where XMPP is UTF-8')
  }
  // RFC 6120 §11.6: no byte order mark but a zero width no-break space, and a document does not begin with one.
  if (first === 0xef && second === 0xbb && third === 0xbf) throw malformed('A byte order mark, which XMPP does not have')
}
