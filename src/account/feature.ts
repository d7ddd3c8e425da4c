/** What a XEP adds to an account or a domain, as data: docs/xeps.md and disco#info are made from it. */
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'

type MaybePromise<T> = T | Promise<T>

/** Answers one iq with the payload of its result, or throws StanzaError. */
export type Answerer = (iq: Stanza, payload: Element) => MaybePromise<Element | undefined>

export interface Feature {
  readonly xeps: readonly { readonly number: number; readonly name: string; readonly version: string }[]
  /** Feature names for disco#info (XEP-0030 §3). */
  readonly disco: readonly string[]
  /** What it answers, by `request(…)`. */
  readonly iq: Readonly<Record<string, Answerer>>
}

/** The key of a request in `Feature.iq`: its type and its payload's name. */
export const request = (type: 'get' | 'set', ns: string, name: string): string => `${type} {${ns}}${name}`

/** The features of one owner (an account, a domain), with every request they answer. */
export class Features {
  readonly #answerers = new Map<string, Answerer>()

  /** Throws where two features claim one request. */
  constructor(readonly list: readonly Feature[]) {
    const claimed = new Map<string, Feature>()
    for (const feature of list) {
      for (const [key, answerer] of Object.entries(feature.iq)) {
        const other = claimed.get(key)
        if (other) throw new Error(`${nameOf(feature)} and ${nameOf(other)} both answer <${key}>`)
        claimed.set(key, feature)
        this.#answerers.set(key, answerer)
      }
    }
  }

  /** The answerer of an iq get or set, undefined where nobody answers it. */
  answererOf(iq: Stanza, payload: Element): Answerer | undefined {
    return this.#answerers.get(`${iq.type} {${payload.ns}}${payload.name}`)
  }
}

const nameOf = (feature: Feature): string =>
  feature.xeps.map((xep) => `XEP-${String(xep.number).padStart(4, '0')}`).join(' ') || 'a feature'
