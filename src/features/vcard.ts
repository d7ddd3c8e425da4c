/** XEP-0054: vcard-temp, of who has no card of his own: what can be told of him by his address. */
import { type Feature, request } from '../account/feature.ts'
import { type Element, el } from '../xml/element.ts'

const NS = 'vcard-temp'

export interface Card {
  readonly name: string
  /** His XMPP address. */
  readonly address: string
  /** `sip:` */
  readonly uri: string
  readonly number: string | undefined
}

export const vcard = (card: Card): Feature => ({
  xeps: [{ number: 54, name: 'vcard-temp', version: '1.3.0' }],
  disco: [NS],
  iq: { [request('get', NS, 'vCard')]: () => cardOf(card) },
})

/** FN and N are what the DTD demands. */
const cardOf = ({ name, address, uri, number }: Card): Element =>
  el(
    'vCard',
    NS,
    {},
    el('FN', NS, {}, name),
    el('N', NS),
    ...(number === undefined ? [] : [el('TEL', NS, {}, el('VOICE', NS), el('NUMBER', NS, {}, number))]),
    el('JABBERID', NS, {}, address),
    el('URL', NS, {}, uri),
  )
