/** What the body of a MESSAGE says (RFC 7572 §7): its texts, whatever they are wrapped in. */
import { RefusedError } from '../core/port.ts'
import type { SipRequest } from '../sip/message.ts'
import { ACCEPT, ACCEPT_ENCODING } from './accept.ts'
import { decodedText } from './charset.ts'
import { type Composing, IS_COMPOSING, readComposing } from './composing.ts'
import { parseCpim } from './cpim.ts'
import { textOfHtml } from './html.ts'
import { type Asked, IMDN, type News, readImdn } from './imdn.ts'
import { isSameLanguage, languageTag } from './language.ts'
import { LIMITS } from './limits.ts'
import { splitParts } from './multipart.ts'
import { Part, parsePart } from './part.ts'

export interface Text {
  readonly text: string
  readonly lang: string | undefined
}

/** All of them empty where there is no body. */
export class Said {
  readonly texts: Text[] = []
  readonly subjects: Text[] = []
  sentAt: Date | undefined
  messageId: string | undefined
  /** What its sender wants to be told of it. */
  asked: Asked | undefined
  /** It says that somebody types, or no longer does. */
  composing: Composing | undefined
  /** It says what became of a message. */
  news: News | undefined
}

const NOTHING: readonly Text[] = []

/** Throws RefusedError: 415 for what cannot be shown, 400 for what is not of the form it claims to be. */
export function saidIn(request: SipRequest): Said {
  const said = new Said()
  if (request.body.length === 0) return said
  const coding = request.headers.get('Content-Encoding')?.trim().toLowerCase() ?? ''
  if (coding !== '' && coding !== 'identity') throw new RefusedError(415, 'The body is compressed', ACCEPT_ENCODING)
  // RFC 3261 §20.15: MUST be present where the body is not empty.
  if (!request.headers.has('Content-Type')) throw new RefusedError(400, 'The body has no Content-Type')
  const walk = new Walk(said)
  said.texts.push(...walk.texts(new Part(request.headers, request.body), undefined, 0))
  return said
}

class Walk {
  #parts = 0

  constructor(readonly said: Said) {}

  texts(part: Part, outerLang: string | undefined, depth: number): readonly Text[] {
    if (depth > LIMITS.bodyDepth) throw new RefusedError(400, `The body has more than ${LIMITS.bodyDepth} wrappers inside each other`)
    if (++this.#parts > LIMITS.bodyParts) throw new RefusedError(400, `The body has more than ${LIMITS.bodyParts} parts`)
    const type = part.contentType
    // RFC 2045 §5.2: a part that does not say is plain text.
    const name = type?.type ?? 'text/plain'
    const lang = languageTag(part.headers.get('Content-Language')) ?? outerLang
    if (name === 'text/plain') return [{ text: decodedText(part.content(), type?.params.get('charset')), lang }]
    if (name === 'text/html') return [{ text: textOfHtml(decodedText(part.content(), type?.params.get('charset'))), lang }]
    if (name === 'message/cpim') return this.#cpim(part, lang, depth)
    if (name === IS_COMPOSING) {
      this.said.composing ??= readComposing(decodedText(part.content(), type?.params.get('charset')))
      return NOTHING
    }
    if (name === IMDN) {
      this.said.news ??= readImdn(decodedText(part.content(), type?.params.get('charset')))
      return NOTHING
    }
    // What P-XMPP-Data refers to is read where that is believed.
    if (name === 'application/xmpp+xml') return NOTHING
    if (!name.startsWith('multipart/')) throw new RefusedError(415, 'A body of this type cannot be shown', ACCEPT)
    const boundary = type?.params.get('boundary') ?? ''
    if (boundary === '' || boundary.length > 70) throw new RefusedError(400, 'The multipart body has no boundary (RFC 2046 §5.1.1)')
    const parts = splitParts(part.encoded, boundary).map(parsePart)
    if (name === 'multipart/alternative') return this.#alternatives(parts, lang, depth)
    if (name === 'multipart/related') return this.texts(rootOf(parts, type?.params.get('start')), lang, depth + 1)
    return this.#all(parts, lang, depth)
  }

  #cpim(part: Part, lang: string | undefined, depth: number): readonly Text[] {
    const { content, sentAt, subjects, messageId, asked } = parseCpim(part.content())
    this.said.sentAt ??= sentAt
    this.said.messageId ??= messageId
    this.said.asked ??= asked
    this.said.subjects.push(...subjects.map((subject) => ({ text: subject.text, lang: subject.lang ?? lang })))
    return this.texts(content, lang, depth + 1)
  }

  /** RFC 2046 §5.1.3: every part that can be shown, those of one language joined; a part that cannot is missed unless it may be left out. */
  #all(parts: readonly Part[], lang: string | undefined, depth: number): readonly Text[] {
    const texts: Text[] = []
    for (const part of parts) {
      for (const text of this.#unlessOptional(part, lang, depth)) {
        const same = texts.findIndex((other) => isSameLanguage(other.lang, text.lang))
        const before = texts[same]
        if (before) texts[same] = { text: `${before.text}\n${text.text}`, lang: before.lang }
        else texts.push(text)
      }
    }
    return texts
  }

  #unlessOptional(part: Part, lang: string | undefined, depth: number): readonly Text[] {
    try {
      return this.texts(part, lang, depth + 1)
    } catch (cause) {
      // RFC 3261 §20.11: handling=optional says the rest is worth having without it.
      if (cause instanceof RefusedError && cause.status === 415 && part.isOptional) return NOTHING
      throw cause
    }
  }

  /** §5.1.4: the same in several forms, or in several languages: one text for each language, plain rather than rich. */
  #alternatives(parts: readonly Part[], lang: string | undefined, depth: number): readonly Text[] {
    const best: { text: Text; isPlain: boolean }[] = []
    let refusal: RefusedError | undefined
    for (const part of parts) {
      const isPlain = (part.contentType?.type ?? 'text/plain') === 'text/plain'
      try {
        for (const text of this.texts(part, lang, depth + 1)) {
          const at = best.findIndex((other) => isSameLanguage(other.text.lang, text.lang))
          if (at < 0) best.push({ text, isPlain })
          else if (isPlain && !best[at]?.isPlain) best[at] = { text, isPlain }
        }
      } catch (cause) {
        // The next alternative may be one we know; only when none is, the sender hears of it.
        if (!(cause instanceof RefusedError) || cause.status !== 415) throw cause
        refusal ??= cause
      }
    }
    if (best.length === 0 && refusal) throw refusal
    return best.map(({ text }) => text)
  }
}

/** RFC 2387 §3.2: the part that `start` names, else the first. */
function rootOf(parts: readonly Part[], start: string | undefined): Part {
  const root = (start === undefined ? undefined : parts.find((part) => part.headers.get('Content-ID') === start)) ?? parts[0]
  if (!root) throw new RefusedError(400, 'The multipart body has no part')
  return root
}
