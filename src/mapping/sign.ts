/** What a MESSAGE without words says to a telephone that understands it: that somebody types (RFC 3994), what became of a message (RFC 5438). */
import { createHash } from 'node:crypto'
import type { Reads } from '../core/port.ts'
import { delayOf } from '../stanza/delay.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { uriFor } from './address.ts'
import { composingBody, composingOf, IS_COMPOSING } from './composing.ts'
import { dispositionsOf, IMDN, imdnBody, newsIn } from './imdn.ts'
import type { Making } from './making.ts'
import { messageIdOf } from './message-id.ts'
import { CPIM, wrapped } from './written-cpim.ts'

export interface Shown {
  readonly text: string
  /** Undefined: plain text. */
  readonly type: string | undefined
}

/** Undefined where there is nothing that this peer understands, or that it wants to know. */
export function signOf(stanza: Stanza, reads: Reads, making: Making): Shown | undefined {
  const state = stanza.type === 'error' ? undefined : composingOf(stanza.xml)
  if (state !== undefined && reads.composing) return { text: composingBody(state), type: IS_COMPOSING }
  return reads.imdn ? receiptIn(stanza, making) : undefined
}

function receiptIn(stanza: Stanza, making: Making): Shown | undefined {
  const news = newsIn(stanza)
  const asked = news && making.askedFor?.(uriFor(stanza.to).aor, news, stanza.xml)
  if (!news || !asked) return undefined
  const now = making.now()
  const text = wrapped({
    ...endsOf(stanza),
    sentAt: now,
    messageId: ownIdOf(stanza, asked.messageId, news.kind),
    routes: asked.routes,
    fields: ['Content-Type', IMDN, 'Content-Disposition', 'notification'],
    content: imdnBody(news, asked, now),
  })
  return { text, type: CPIM }
}

/** §7.2.1: a notice has a Message-ID of its own; the same one for each telephone that it goes to. */
function ownIdOf({ from, id = '' }: Stanza, about: string, kind: string): string {
  return createHash('sha256').update(`${from}\0${id}\0${about}\0${kind}`).digest('base64url').slice(0, 24)
}

/** A text that asks for receipts; undefined where it asks for none, or has no id that could be named in them. */
export function wrappedText(stanza: Stanza, text: string, making: Making): Shown | undefined {
  const { xml, id } = stanza
  const wishes = dispositionsOf(xml)
  const messageId = wishes === undefined || id === undefined || id === '' ? undefined : messageIdOf(id)
  if (wishes === undefined || messageId === undefined) return undefined
  const sentAt = delayOf(xml)?.stamp ?? making.now()
  const fields = ['Content-Type', 'text/plain;charset=UTF-8']
  return { text: wrapped({ ...endsOf(stanza), sentAt, messageId, wishes, fields, content: text }), type: CPIM }
}

const endsOf = ({ from, to }: Stanza): { from: string; to: string } => ({
  from: uriFor(from).bare.toString(),
  to: uriFor(to).bare.toString(),
})
