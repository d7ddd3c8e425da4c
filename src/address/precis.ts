/** Strings as users type them made comparable: UsernameCaseMapped and OpaqueString (RFC 8264, RFC 8265). */

/** Not a string of that profile; the message completes "the part …". */
export class PrecisError extends Error {
  override name = 'PrecisError'
}

/** RFC 8265 §3.3, without the checks: width, case, normalisation. */
export function caseMapped(text: string): string {
  return text
    .replace(/[\u3000\uff01-\uffee]/g, (wide) => wide.normalize('NFKC'))
    .toLowerCase()
    .normalize('NFC')
}

export function usernameCaseMapped(text: string): string {
  const result = caseMapped(text)
  if (/[\x00-\x20\x7f]/.test(result)) throw new PrecisError('has a control character or space')
  return result
}

export function opaqueString(text: string): string {
  if (/[\x00-\x1f\x7f]/.test(text)) throw new PrecisError('has a control character')
  return text.replace(/\p{Zs}/gu, ' ').normalize('NFC')
}
