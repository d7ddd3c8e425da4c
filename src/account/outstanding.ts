/** What each party has outstanding, by a key of its own: bounded, and gone with the party. */
import { StanzaError } from '../stanza/error.ts'
import type { Element } from '../xml/element.ts'

/** Who asks and is asked on a stream: a client's session, or a connection of a component. */
export interface Party {
  deliver(xml: Element): void
  /** It speaks for more addresses than one, so that theirs count beside the other side's. */
  readonly hasManyAddresses?: boolean
  /** How much it may have outstanding; absent: what one client may. */
  readonly outstandingMax?: number
}

export class Outstanding<Item extends { readonly session: Party; readonly key: string }> {
  readonly #bySession = new Map<Party, Map<string, Item>>()

  constructor(
    readonly max: number,
    /** What a sender is told who goes beyond it. */
    readonly tooMany: string,
  ) {}

  /** Throws StanzaError where the party has too many, or this one already. */
  add(item: Item): void {
    let items = this.#bySession.get(item.session)
    if (!items) {
      items = new Map()
      this.#bySession.set(item.session, items)
    }
    if (items.size >= (item.session.outstandingMax ?? this.max)) throw new StanzaError('wait', 'resource-constraint', this.tooMany)
    if (items.has(item.key)) throw new StanzaError('modify', 'bad-request', 'A request with this id is still waiting for its answer')
    items.set(item.key, item)
  }

  find(session: Party, key: string): Item | undefined {
    return this.#bySession.get(session)?.get(key)
  }

  remove({ session, key }: Item): void {
    const items = this.#bySession.get(session)
    items?.delete(key)
    if (items?.size === 0) this.#bySession.delete(session)
  }

  /** Everything a party had outstanding; it has nothing any more. */
  takeAll(session: Party): readonly Item[] {
    const items = this.#bySession.get(session)
    this.#bySession.delete(session)
    return items ? [...items.values()] : []
  }
}

/** An iq is known by who asked whom, and its id (RFC 6120 §8.1.3). */
export const iqKey = ({ hasManyAddresses }: Party, other: string, own: string, id: string | undefined): string =>
  hasManyAddresses === true ? `${other}\n${own}\n${id ?? ''}` : `${other}\n${id ?? ''}`

/** The id in such a key; no address holds a line break. */
export const idIn = ({ hasManyAddresses }: Party, key: string): string =>
  key.slice(key.indexOf('\n', hasManyAddresses === true ? key.indexOf('\n') + 1 : 0) + 1)
