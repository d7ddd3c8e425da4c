/** A stanza's text as the log may keep it: whole, but without passwords and SASL payloads (RFC 6120 §13.9.1). */

export const BLANK = '(blanked)'

/** Elements whose text is a secret wherever they stand: XEP-0077, XEP-0078, XEP-0045, XEP-0388. */
const SECRET = new Set(['password', 'passwd', 'old_password', 'digest', 'secret', 'initial-response', 'additional-data'])
/** Elements whose text is a secret as children of the stream: SASL (RFC 6120 §6.4, XEP-0388) and the component's handshake (XEP-0114). */
const SECRET_IN_STREAM = new Set(['auth', 'response', 'challenge', 'success', 'handshake', 'next', 'task-data'])
/** Attributes that are a secret: direct invitations (XEP-0249), tokens (XEP-0484). */
const SECRET_ATTRIBUTE = /(\s(?:password|passwd|secret|token)\s*=\s*)(?:"[^"]*"|'[^']*')/gi
/** A data form's field for a secret (XEP-0004 text-private, and by name for forms that say text-single). */
const SECRET_FIELD = /\stype\s*=\s*["']text-private["']|\svar\s*=\s*["'][^"']*(?:pass|secret|token)[^"']*["']/i

/** A tag; its parts exclude `<`, so that a hostile text is passed once and not over and over. */
const TAG = /<(\/?)([^\s/<>"']+)((?:[^<>"'/]|\/(?!>)|"[^"<]*"|'[^'<]*')*)(\/?)>/y
const CDATA = '<![CDATA['

/**
 * Works on text, so that it serves a stanza in any stage: read, written, or cut in the middle. Where a tag cannot be made out, the rest is blanked:
 * a log that says too little is the smaller harm.
 */
export function blankStanza(xml: string): string {
  let out = ''
  let at = 0
  let depth = 0
  let secretAt = 0 // depth of the outermost secret element we are in; 0: none
  while (at < xml.length) {
    const isCdata = xml.startsWith(CDATA, at)
    if (xml[at] !== '<' || isCdata) {
      const close = isCdata ? xml.indexOf(']]>', at) : xml.indexOf('<', at)
      const end = close === -1 ? xml.length : isCdata ? close + 3 : close
      const text = xml.slice(at, end)
      out += secretAt > 0 ? blankText(text) : text
      at = end
      continue
    }
    if (xml.startsWith('<?', at)) {
      const end = endAfter(xml, '?>', at)
      out += xml.slice(at, end)
      at = end
      continue
    }
    TAG.lastIndex = at
    const tag = TAG.exec(xml)
    if (!tag) return out + BLANK
    const [whole, slash, name = '', attributes = '', empty] = tag
    const local = name.slice(name.indexOf(':') + 1)
    at += whole.length
    out += secretAt > 0 && attributes !== '' ? `<${slash}${name} ${BLANK}${empty}>` : whole.replace(SECRET_ATTRIBUTE, `$1"${BLANK}"`)
    // The stream's own tag encloses its stanzas without making them deeper.
    if (local === 'stream') continue
    if (slash === '/') {
      if (secretAt === depth) secretAt = 0
      if (depth > 0) depth--
    } else if (empty !== '/') {
      depth++
      if (secretAt === 0 && isSecret(local, attributes, depth)) secretAt = depth
    }
  }
  return out
}

function isSecret(local: string, attributes: string, depth: number): boolean {
  if (SECRET.has(local)) return true
  if (depth === 1 && SECRET_IN_STREAM.has(local)) return true
  return local === 'field' && SECRET_FIELD.test(attributes)
}

/** White space and the empty response `=` say something about the exchange and nothing about the password. */
function blankText(text: string): string {
  return /^\s*=?\s*$/.test(text) ? text : BLANK
}

function endAfter(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from)
  return at === -1 ? text.length : at + mark.length
}
