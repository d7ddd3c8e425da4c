/** Languages: xml:lang here, Content-Language there (RFC 7572 Tables 1 and 2, RFC 5646). */
import type { Element } from '../xml/element.ts'

/** The shape of a language tag (RFC 5646 §2.1), without asking whether anybody registered it. */
const TAG = /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,8}$/

/** The first language of a Content-Language field, or of an xml:lang; undefined where there is none. */
export function languageTag(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  const comma = value.indexOf(',')
  const tag = (comma < 0 ? value : value.slice(0, comma)).trim()
  return TAG.test(tag) ? tag : undefined
}

/** The language of a child: its own, or that of the stanza around it. */
export function languageOf(child: Element, stanza: Element): string | undefined {
  return child.attr('xml:lang') ?? stanza.attr('xml:lang')
}

/** Languages compare without case; two absent ones are the same. */
export function isSameLanguage(a: string | undefined, b: string | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && a.toLowerCase() === b.toLowerCase())
}

/**
 * Of several children of one name, each in its language, the one SIP carries: the one in the language of the stanza, else the first. The
 * others travel in P-XMPP-Data: telephones show a multipart/alternative as an attachment, if at all.
 */
export function nativeChild(stanza: Element, name: string): Element | undefined {
  let first: Element | undefined
  const own = stanza.attr('xml:lang')
  for (const child of stanza.children) {
    if (typeof child === 'string' || child.name !== name || child.ns !== stanza.ns) continue
    const lang = child.attr('xml:lang')
    if (lang === undefined || isSameLanguage(lang, own)) return child
    first ??= child
  }
  return first
}
