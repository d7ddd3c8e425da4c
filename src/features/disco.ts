/** XEP-0030: Service Discovery. The list is the features' own data, so it cannot say what is not there. */
import { type Feature, request } from '../account/feature.ts'
import { StanzaError } from '../stanza/error.ts'
import { type Element, el } from '../xml/element.ts'

const NS_INFO = 'http://jabber.org/protocol/disco#info'
const NS_ITEMS = 'http://jabber.org/protocol/disco#items'

export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** Discovery of the owner of `others`, which stand beside this feature in the same list. */
export const disco = (identity: Identity, others: readonly Feature[]): Feature => {
  const features = [NS_INFO, NS_ITEMS, ...others.flatMap((other) => other.disco)].toSorted()
  const info = el(
    'query',
    NS_INFO,
    {},
    el('identity', NS_INFO, { category: identity.category, type: identity.type, name: identity.name }),
    ...features.map((name) => el('feature', NS_INFO, { var: name })),
  )
  return {
    xeps: [{ number: 30, name: 'Service Discovery', version: '2.5.0' }],
    disco: [],
    iq: {
      [request('get', NS_INFO, 'query')]: (_iq, query) => withoutNode(query) && info,
      [request('get', NS_ITEMS, 'query')]: (_iq, query) => withoutNode(query) && el('query', NS_ITEMS),
    },
  }
}

function withoutNode(query: Element): true {
  if (query.attr('node')) throw new StanzaError('cancel', 'item-not-found', 'There is no such node')
  return true
}
