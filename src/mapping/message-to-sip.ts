/** RFC 7572 §4: one `<message/>` becomes one MESSAGE. To who gets no stanzas it is what a person reads, or a sign his telephone understands. */
import type { HopPolicy } from '../core/port.ts'
import { printDate } from '../sip/date.ts'
import { parseDateTime } from '../stanza/datetime.ts'
import { delayOf } from '../stanza/delay.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { oneLine } from './header-text.ts'
import { languageOf, languageTag, nativeChild } from './language.ts'
import { LIMITS } from './limits.ts'
import type { Making } from './making.ts'
import { isCiphertext, readable } from './readable.ts'
import type { Content } from './request.ts'
import { residueOf } from './residue.ts'
import { type Shown, signOf, wrappedText } from './sign.ts'

const NS_AMP = 'http://jabber.org/protocol/amp'

export class MessageContent implements Content {
  readonly fields: string[]
  readonly text: string | undefined
  readonly type: string | undefined
  /** An error is no message, whatever it repeats of one: it goes only where stanzas go, unless it says what somebody asked to be told. */
  readonly standsAlone: boolean
  readonly #body: Element | undefined
  readonly #lang: string | undefined
  /** The subject, where the Subject field holds it without loss. */
  readonly #subject: Element | undefined
  readonly #hidesCiphertext: boolean = false

  constructor(
    readonly stanza: Stanza,
    /** Max-Forwards, From, To, Call-ID, CSeq. */
    head: readonly string[],
    readonly hop: HopPolicy,
    making: Making,
  ) {
    const { xml } = stanza
    const body = nativeChild(xml, 'body')
    const text = body?.text() || undefined
    this.fields = [...head]
    if (hop.telephone || hop.xmppData === 'off') {
      const read = readable(xml, text)
      const shown = this.#shown(stanza.type === 'error' ? undefined : read.text, making)
      this.text = shown?.text
      this.type = shown?.type
      this.standsAlone = shown !== undefined
      this.#body = read.isBody && text ? body : undefined
      this.#hidesCiphertext = read.isEncrypted
      this.#addExpires(xml, making)
    } else {
      this.text = text
      this.type = undefined
      this.standsAlone = text !== undefined && stanza.type !== 'error'
      this.#body = text ? body : undefined
    }
    this.#lang = text && body ? languageTag(languageOf(body, xml)) : undefined
    const sent = delayOf(xml)
    if (sent) this.fields.push('Date', printDate(sent.stamp))
    this.#subject = this.#addSubject(nativeChild(xml, 'subject'))
    if (this.#lang !== undefined) this.fields.push('Content-Language', this.#lang)
  }

  data(): Element {
    if (this.hop.fullXmppData) return this.stanza.xml
    const data = residueOf(this.stanza, { body: this.#body, subject: this.#subject, lang: this.#lang })
    if (!this.#hidesCiphertext) return data
    return data.withChildren(data.children.filter((child) => typeof child === 'string' || !isCiphertext(child)))
  }

  /** What a peer without stanzas is shown; undefined: nothing. */
  #shown(text: string | undefined, making: Making): Shown | undefined {
    const { reads } = this.hop
    if (text === undefined) return reads && signOf(this.stanza, reads, making)
    return (reads?.cpim ? wrappedText(this.stanza, text, making) : undefined) ?? { text, type: undefined }
  }

  /** XEP-0079: until when it is of use (RFC 3428 §4, which counts from Date). */
  #addExpires(xml: Element, making: Making): void {
    const amp = xml.child('amp', NS_AMP)
    if (!amp) return
    const rule = amp.elements().find((one) => one.name === 'rule' && one.attr('condition') === 'expire-at')
    const until = parseDateTime(rule?.attr('value') ?? '')
    const seconds = until ? Math.ceil((until.getTime() - making.now().getTime()) / 1_000) : 0
    if (seconds > 0) this.fields.push('Expires', String(seconds))
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
