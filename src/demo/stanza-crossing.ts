/** Elements of an XMPP stream as the ladder tells them: names and texts, nothing of a SASL payload. */
import { NS_STANZAS } from '../stanza/error.ts'
import { NS_CLIENT } from '../stanza/stanza.ts'
import { NS_BIND, NS_SASL, NS_STREAM } from '../stream/namespaces.ts'
import type { Element } from '../xml/element.ts'
import type { Crossing } from './crossing.ts'

/** Undefined for stream features, which are no stanza and would only take room. */
export function stanzaCrossing(xml: Element, direction: 'in' | 'out'): Crossing | undefined {
  if (xml.is('features', NS_STREAM)) return undefined
  const of = (what: string, tone: Crossing['tone'], notes: readonly string[] = [], said?: string): Crossing => ({
    side: 'xmpp',
    direction,
    what,
    said: said || undefined,
    notes,
    tone,
  })
  if (xml.is('error', NS_STREAM)) return of('<stream:error>', 'refuses', [xml.firstElement()?.name ?? ''])
  if (xml.ns === NS_SASL) return of(saslStep(xml), xml.name === 'failure' ? 'refuses' : xml.name === 'success' ? 'agrees' : 'asks')
  if (xml.ns !== NS_CLIENT) return of(`<${xml.name}>`, xml.name === 'proceed' ? 'agrees' : 'asks')
  const type = xml.attr('type')
  if (type === 'error') return of(`<${xml.name} type='error'>`, 'refuses', [errorNote(xml)])
  if (xml.name === 'message') return of('<message>', 'asks', [], xml.child('body')?.text())
  if (xml.name === 'presence') return of(type === undefined ? '<presence>' : `<presence type='${type}'>`, 'asks')
  const payload = xml.firstElement()
  const bound = payload?.is('bind', NS_BIND) ? payload.firstElement()?.text() : undefined
  if (type === 'result') return of("<iq type='result'>", 'agrees', bound === undefined ? [] : [bound])
  return of(`<iq type='${type}'> ${payload?.name ?? ''}`, 'asks', [], bound)
}

function saslStep(xml: Element): string {
  const mechanism = xml.attr('mechanism')
  return mechanism === undefined ? `<${xml.name}>` : `<${xml.name}> ${mechanism}`
}

/** `recipient-unavailable: “Busy Here”` */
function errorNote(xml: Element): string {
  const error = xml.child('error')
  const condition = error?.elements().find(({ name, ns }) => ns === NS_STANZAS && name !== 'text')?.name ?? 'no condition'
  const text = error?.child('text', NS_STANZAS)?.text()
  return text ? `${condition}: “${text}”` : condition
}
