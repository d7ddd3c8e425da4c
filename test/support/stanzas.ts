/** Stanzas as people send them, and what is read from those that come back. */
import { type Element, el, type Node } from '../../src/xml/element.ts'
import { NS_CLIENT, NS_STANZAS } from './client.ts'

export function message(to: string, body: string, attrs: Readonly<Record<string, string>> = {}, ...more: Node[]): Element {
  return el('message', NS_CLIENT, { to, type: 'chat', ...attrs }, el('body', NS_CLIENT, {}, body), ...more)
}

/** The condition of an error stanza; what it is instead, where it is none. */
export function condition(stanza: Element): string {
  const error = stanza.attr('type') === 'error' ? stanza.child('error') : undefined
  return (
    error?.elements().find(({ ns, name }) => ns === NS_STANZAS && name !== 'text')?.name ?? `${stanza.name} of type ${stanza.attr('type')}`
  )
}

export const errorText = (stanza: Element): string => stanza.child('error')?.child('text', NS_STANZAS)?.text() ?? ''
