/** What each session has outstanding, by a key of its own: bounded, and gone with the session. */
import { StanzaError } from '../stanza/error.ts'
import type { Session } from './sessions.ts'

export class Outstanding<Item extends { readonly session: Session; readonly key: string }> {
  readonly #bySession = new Map<Session, Map<string, Item>>()

  constructor(
    readonly max: number,
    /** What a sender is told who goes beyond it. */
    readonly tooMany: string,
  ) {}

  /** Throws StanzaError where the session has too many, or this one already. */
  add(item: Item): void {
    let items = this.#bySession.get(item.session)
    if (!items) {
      items = new Map()
      this.#bySession.set(item.session, items)
    }
    if (items.size >= this.max) throw new StanzaError('wait', 'resource-constraint', this.tooMany)
    if (items.has(item.key)) throw new StanzaError('modify', 'bad-request', 'A request with this id is still waiting for its answer')
    items.set(item.key, item)
  }

  find(session: Session, key: string): Item | undefined {
    return this.#bySession.get(session)?.get(key)
  }

  remove({ session, key }: Item): void {
    const items = this.#bySession.get(session)
    items?.delete(key)
    if (items?.size === 0) this.#bySession.delete(session)
  }

  /** Everything a session had outstanding; it has nothing any more. */
  takeAll(session: Session): readonly Item[] {
    const items = this.#bySession.get(session)
    this.#bySession.delete(session)
    return items ? [...items.values()] : []
  }
}

/** An iq is known by who asked whom, and its id (RFC 6120 §8.1.3). */
export const iqKey = (address: string, id: string | undefined): string => `${address}\n${id ?? ''}`
