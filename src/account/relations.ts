/** What SIP users who are no accounts of ours and addresses of the XMPP world have allowed each other: the shadow of a roster that a telephone elsewhere cannot keep. */
import { Jid } from '../address/jid.ts'
import { SipUri } from '../address/sip-uri.ts'
import type { Log } from '../log/log.ts'
import { uriFor } from '../mapping/address.ts'
import type { Kept } from '../store/port.ts'

/** One direction of a relation. `asked`: the other side has not answered yet. */
export type Consent = 'none' | 'asked' | 'granted'

export interface Relation {
  /** Bare. */
  readonly sip: SipUri
  /** Bare. */
  readonly xmpp: Jid
  /** Whether the XMPP side may see the telephone. */
  readonly seesTelephone: Consent
  /** Whether the telephone may see the XMPP side. */
  readonly seenByTelephone: Consent
}

export interface RelationLimits {
  /** Of one SIP user: a stranger must not fill the store. */
  readonly perTelephone: number
  /** Of one XMPP address. */
  readonly perXmpp: number
}

export const RELATION_DEFAULTS: RelationLimits = { perTelephone: 1_000, perXmpp: 5_000 }

export class TooManyRelations extends Error {}

export class Relations {
  /** By the telephone's AOR, then by the other's bare address. */
  readonly #byTelephone = new Map<string, Map<string, Relation>>()
  readonly #countOfXmpp = new Map<string, number>()

  constructor(
    readonly kept: Kept,
    readonly log: Log,
    readonly limits: RelationLimits = RELATION_DEFAULTS,
  ) {}

  between(sip: SipUri, xmpp: Jid): Relation {
    return (
      this.#byTelephone.get(sip.aor)?.get(xmpp.bare.toString()) ?? {
        sip: sip.bare,
        xmpp: xmpp.bare,
        seesTelephone: 'none',
        seenByTelephone: 'none',
      }
    )
  }

  of(sip: SipUri): Iterable<Relation> {
    return this.#byTelephone.get(sip.aor)?.values() ?? []
  }

  /** Whether these two may begin one. */
  hasRoom(sip: SipUri, xmpp: Jid): boolean {
    const { perTelephone, perXmpp } = this.limits
    const relations = this.#byTelephone.get(sip.aor)
    return (relations?.size ?? 0) < perTelephone && (this.#countOfXmpp.get(xmpp.bare.toString()) ?? 0) < perXmpp
  }

  /** Resolves when it is kept. Throws TooManyRelations. */
  async set(relation: Relation): Promise<void> {
    const key = keyOf(relation)
    if (relation.seesTelephone === 'none' && relation.seenByTelephone === 'none') {
      this.#drop(relation)
      await this.kept.remove(key)
      return
    }
    this.#hold(relation)
    const data = JSON.stringify({
      sip: relation.sip.toString(),
      xmpp: relation.xmpp.toString(),
      sees: relation.seesTelephone,
      seen: relation.seenByTelephone,
    })
    await this.kept.put({ key, owner: uriFor(relation.xmpp).aor, expiresAt: undefined, data })
  }

  /** The account is gone, and its rows with it. */
  forget(xmpp: Jid): void {
    const bare = xmpp.bare.toString()
    for (const [aor, relations] of this.#byTelephone) {
      if (relations.delete(bare) && relations.size === 0) this.#byTelephone.delete(aor)
    }
    this.#countOfXmpp.delete(bare)
  }

  async restore(now: number): Promise<void> {
    for (const { key, data } of await this.kept.load(now)) {
      const relation = readRelation(data)
      if (relation) this.#hold(relation)
      else this.log.failure({ what: 'relation_unreadable', key })
    }
  }

  #hold(relation: Relation): void {
    const { aor } = relation.sip
    const bare = relation.xmpp.toString()
    const relations = this.#byTelephone.get(aor) ?? new Map<string, Relation>()
    if (!relations.has(bare)) {
      if (!this.hasRoom(relation.sip, relation.xmpp)) throw new TooManyRelations(`Between ${aor} and ${bare} is one relation too many`)
      this.#countOfXmpp.set(bare, (this.#countOfXmpp.get(bare) ?? 0) + 1)
    }
    relations.set(bare, relation)
    this.#byTelephone.set(aor, relations)
  }

  #drop({ sip, xmpp }: Relation): void {
    const relations = this.#byTelephone.get(sip.aor)
    const bare = xmpp.toString()
    if (!relations?.delete(bare)) return
    if (relations.size === 0) this.#byTelephone.delete(sip.aor)
    const count = (this.#countOfXmpp.get(bare) ?? 1) - 1
    if (count > 0) this.#countOfXmpp.set(bare, count)
    else this.#countOfXmpp.delete(bare)
  }
}

const keyOf = ({ sip, xmpp }: Relation): string => `${sip.aor} ${xmpp}`

const CONSENTS: readonly Consent[] = ['none', 'asked', 'granted']
const consentOf = (word: unknown): Consent => CONSENTS.find((consent) => consent === word) ?? 'none'

function readRelation(data: string): Relation | undefined {
  try {
    const { sip, xmpp, sees, seen }: Record<string, unknown> = JSON.parse(data)
    return {
      sip: SipUri.parse(String(sip)),
      xmpp: Jid.parse(String(xmpp)),
      seesTelephone: consentOf(sees),
      seenByTelephone: consentOf(seen),
    }
  } catch {
    // Another program wrote here, or the disk did; the caller says so once.
    return undefined
  }
}
