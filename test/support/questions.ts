/** What a client asks by iq, and what is read from the answers: discovery, forms, payloads. */
import { expect } from 'vitest'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from './client.ts'
import { errorText } from './stanzas.ts'

export const NS = {
  info: 'http://jabber.org/protocol/disco#info',
  items: 'http://jabber.org/protocol/disco#items',
  ping: 'urn:xmpp:ping',
  version: 'jabber:iq:version',
  time: 'urn:xmpp:time',
  last: 'jabber:iq:last',
  vcard: 'vcard-temp',
  data: 'jabber:x:data',
} as const

/** What a telephone says of itself. */
export const ABOUT = [
  ['Allow', 'INVITE, ACK, BYE, CANCEL, MESSAGE, OPTIONS'],
  ['Accept', 'application/sdp, text/plain;charset=UTF-8'],
] as const

let asked = 0
/** Resolves with the answer; what else comes is passed by. */
export async function ask(client: Client, to: string, ns: string, name = 'query', type: 'get' | 'set' = 'get'): Promise<Element> {
  const id = `q${++asked}`
  client.send(el('iq', NS_CLIENT, { type, to, id }, el(name, ns)))
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'iq' && stanza.attr('id') === id) return stanza
  }
}

/** The same of several at once: the answers in the order of the questions, in whatever order they come. */
export async function askAtOnce(client: Client, to: string, ns: string, times: number): Promise<readonly Element[]> {
  const ids = Array.from({ length: times }, () => `q${++asked}`)
  for (const id of ids) client.send(el('iq', NS_CLIENT, { type: 'get', to, id }, el('query', ns)))
  const answers = new Map<string, Element>()
  while (answers.size < times) {
    const stanza = await client.receive()
    const id = stanza.attr('id')
    if (stanza.name === 'iq' && id !== undefined && ids.includes(id)) answers.set(id, stanza)
  }
  return ids.flatMap((id) => answers.get(id) ?? [])
}

export const methodsTo = (phone: { readonly requests: readonly { readonly method: string }[] }): string[] =>
  phone.requests.map(({ method }) => method)
export const payload = (iq: Element, name = 'query'): Element => {
  expect(iq.attr('type'), errorText(iq)).toBe('result')
  const found = iq.elements().find((child) => child.name === name)
  if (!found) throw new Error(`the result has no <${name}/>`)
  return found
}
export const featuresIn = (iq: Element): (string | undefined)[] =>
  payload(iq)
    .elements()
    .filter(({ name }) => name === 'feature')
    .map((feature) => feature.attr('var'))
export const formIn = (iq: Element, type: string): Record<string, string[]> => {
  const forms = payload(iq)
    .elements()
    .filter(({ name, ns }) => name === 'x' && ns === NS.data)
    .map((form) => Object.fromEntries(form.elements().map((field) => [field.attr('var'), field.elements().map((value) => value.text())])))
  return forms.find((form) => form.FORM_TYPE?.[0] === type) ?? {}
}
