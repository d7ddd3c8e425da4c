/** RFC 7572 §4: one `<message/>` becomes one MESSAGE. */
import type { HopPolicy } from '../core/port.ts'
import { printDate } from '../sip/date.ts'
import { delayOf } from '../stanza/delay.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { oneLine } from './header-text.ts'
import { languageOf, languageTag, nativeChild } from './language.ts'
import { LIMITS } from './limits.ts'
import type { Content } from './request.ts'
import { residueOf } from './residue.ts'

export class MessageContent implements Content {
  readonly fields: string[]
  readonly text: string | undefined
  readonly #body: Element | undefined
  readonly #lang: string | undefined
  /** The subject, where the Subject field holds it without loss. */
  readonly #subject: Element | undefined

  constructor(
    readonly stanza: Stanza,
    /** Max-Forwards, From, To, Call-ID, CSeq. */
    head: readonly string[],
    readonly hop: HopPolicy,
  ) {
    const { xml } = stanza
    const body = nativeChild(xml, 'body')
    const text = body?.text()
    this.#body = text ? body : undefined
    this.text = text || undefined
    this.#lang = text && body ? languageTag(languageOf(body, xml)) : undefined
    this.fields = [...head]
    const sent = delayOf(xml)
    if (sent) this.fields.push('Date', printDate(sent.stamp))
    this.#subject = this.#addSubject(nativeChild(xml, 'subject'))
    if (this.#lang !== undefined) this.fields.push('Content-Language', this.#lang)
  }

  /** An error is no message, whatever it repeats of one: it goes only where stanzas go. */
  get standsAlone(): boolean {
    return this.text !== undefined && this.stanza.type !== 'error'
  }

  data(): Element {
    if (this.hop.fullXmppData) return this.stanza.xml
    return residueOf(this.stanza, { body: this.#body, subject: this.#subject, lang: this.#lang })
  }

  #addSubject(subject: Element | undefined): Element | undefined {
    const written = subject?.text() ?? ''
    const line = oneLine(written)
    if (line === '') return undefined
    // A subject of many lines would make a header that nobody reads; P-XMPP-Data has it whole, where that goes.
    if (this.hop.xmppData !== 'off' && Buffer.byteLength(line) > LIMITS.subjectBytes) return undefined
    this.fields.push('Subject', line)
    return line === written ? subject : undefined
  }
}
