/** Which characters XML 1.0 (fifth edition) §2.2 and §2.3 allow, and Namespaces in XML 1.0 §3 allows in names. */
import { malformed } from './xml-error.ts'

export const TAB = 0x9
export const LF = 0xa
export const CR = 0xd
export const SPACE = 0x20
export const BANG = 0x21
export const DOUBLE_QUOTE = 0x22
export const AMPERSAND = 0x26
export const SINGLE_QUOTE = 0x27
export const HYPHEN = 0x2d
export const SLASH = 0x2f
export const LT = 0x3c
export const EQUALS = 0x3d
export const GT = 0x3e
export const QUESTION = 0x3f
export const CLOSING_BRACKET = 0x5d

/** An NCName: a name without a colon. */
const LOCAL_NAME =
  /^[A-Z_a-z\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\u{10000}-\u{EFFFF}][-.0-9A-Z_a-z\u00B7\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u037D\u037F-\u1FFF\u200C-\u200D\u203F-\u2040\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\u{10000}-\u{EFFFF}]*$/u

export function isLocalName(text: string): boolean {
  return LOCAL_NAME.test(text)
}

/** XML 1.0 §2.2: Char. */
export function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === TAB || code === LF || code === CR
  return code < 0xd800 || (code > 0xdfff && code !== 0xfffe && code !== 0xffff && code <= 0x10ffff)
}

/** What is not a Char; with the flag u, of surrogates only those without their other half. */
export const FORBIDDEN = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]/u

export function checkCharacters(text: string): void {
  const found = FORBIDDEN.exec(text)
  if (found !== null) throw forbidden(found[0].charCodeAt(0))
}

/** XML 1.0 §2.3: S. */
export function isSpace(code: number): boolean {
  return code === SPACE || code === LF || code === TAB || code === CR
}

/** One number for each UTF-16 unit below 0x80, for scanners. */
export function asciiTable(kind: (code: number) => number): Uint8Array {
  return Uint8Array.from({ length: 0x80 }, (_, code) => kind(code))
}

export function forbidden(code: number): Error {
  return malformed(`The character U+${code.toString(16).toUpperCase().padStart(4, '0')} is not allowed in XML`)
}
