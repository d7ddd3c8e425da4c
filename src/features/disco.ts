/** XEP-0030: Service Discovery. The list is the features' own data, so it cannot say what is not there. */
import { type Feature, request } from '../account/feature.ts'
import type { Jid } from '../address/jid.ts'
import { StanzaError } from '../stanza/error.ts'
import { type Element, el } from '../xml/element.ts'

const NS_INFO = 'http://jabber.org/protocol/disco#info'
const NS_ITEMS = 'http://jabber.org/protocol/disco#items'

type MaybePromise<T> = T | Promise<T>

/** Something beside the owner that people may want to look at (§4.1). */
export interface DiscoItem {
  readonly jid: string
  readonly node?: string | undefined
  readonly name?: string | undefined
}

/** Of the owner that was asked. */
export type ItemsOf = (owner: Jid) => readonly DiscoItem[]

export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string
}

/** What one owner says of himself. */
export interface Description {
  readonly identity: Identity
  /** Beside discovery itself. */
  readonly features: readonly string[]
  /** XEP-0128. */
  readonly forms?: readonly Element[]
}

/** Discovery of the owner of `others`, which stand beside this feature in the same list. */
export const disco = (identity: Identity, others: readonly Feature[], itemsOf?: ItemsOf): Feature => {
  const info = infoOf({ identity, features: others.flatMap((other) => other.disco) })
  return discovery(() => info, itemsOf)
}

/** Discovery of somebody who has to be asked first. */
export const discoOf = (described: () => Promise<Description>): Feature => discovery(async () => infoOf(await described()))

const discovery = (info: () => MaybePromise<Element>, itemsOf: ItemsOf = () => []): Feature => ({
  xeps: [{ number: 30, name: 'Service Discovery', version: '2.5.0' }],
  disco: [],
  iq: {
    [request('get', NS_INFO, 'query')]: (_iq, query) => withoutNode(query) && info(),
    [request('get', NS_ITEMS, 'query')]: ({ to }, query) =>
      withoutNode(query) &&
      el('query', NS_ITEMS, {}, ...itemsOf(to).map(({ jid, node, name }) => el('item', NS_ITEMS, { jid, node, name }))),
  },
})

function infoOf({ identity: { category, type, name }, features, forms = [] }: Description): Element {
  const all = [...new Set([NS_INFO, NS_ITEMS, ...features])].toSorted()
  return el(
    'query',
    NS_INFO,
    {},
    el('identity', NS_INFO, { category, type, name }),
    ...all.map((feature) => el('feature', NS_INFO, { var: feature })),
    ...forms,
  )
}

function withoutNode(query: Element): true {
  if (query.attr('node')) throw new StanzaError('cancel', 'item-not-found', 'There is no such node')
  return true
}
