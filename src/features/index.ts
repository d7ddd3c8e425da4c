/** What an account, a domain and a telephone answer for themselves, in the order in which it is offered. */
import type { AskedTelephone } from '../account/asked-telephone.ts'
import type { Feature } from '../account/feature.ts'
import type { Reads } from '../core/port.ts'
import type { Traits } from '../core/traits.ts'
import { NS_CHAT_STATES } from '../mapping/composing.ts'
import { NS_MARKERS, NS_RECEIPTS } from '../mapping/imdn.ts'
import { type Description, disco, discoOf, type ItemsOf } from './disco.ts'
import { entityTime, entityTimeOf } from './entity-time.ts'
import { jidEscaping } from './jid-escaping.ts'
import { lastActivity } from './last-activity.ts'
import { ping, pingOf } from './ping.ts'
import { type RosterRooms, roster } from './roster.ts'
import { formsOf, productOf } from './sip-traits.ts'
import { vcard } from './vcard.ts'
import { version, versionOf } from './version.ts'

export interface Software {
  readonly name: string
  readonly version: string
}

const ACCOUNT = { category: 'account', type: 'registered' } as const

export function domainFeatures(software: Software, now: () => Date, itemsOf: ItemsOf): readonly Feature[] {
  const features = [jidEscaping, ping, version(software), entityTime(now)]
  return [disco({ category: 'server', type: 'im', name: software.name }, features, itemsOf), ...features]
}

/** For its owner. */
export function accountFeatures(rooms: RosterRooms): readonly Feature[] {
  const features = [roster(rooms), ping]
  return [disco(ACCOUNT, features), ...features]
}

/** For those who may see its presence. */
export function contactFeatures(): readonly Feature[] {
  const features = [ping]
  return [disco(ACCOUNT, features), ...features]
}

/** What the gateway answers in a telephone's place, of what it knows or asks by OPTIONS. */
export function telephoneFeatures(telephone: AskedTelephone, now: () => number): readonly Feature[] {
  const { owner } = telephone
  const always = [
    pingOf(async () => {
      await telephone.alive()
      return undefined
    }),
    vcard({ ...owner, name: owner.name ?? owner.number ?? owner.address }),
  ]
  const ofSoftware = versionOf(async () => productOf(await telephone.traits(({ software }) => software !== undefined)))
  const ofClock = entityTimeOf(async () => clockOf(await telephone.traits(({ clockAheadMs }) => clockAheadMs !== undefined), now()))
  const ofActivity = lastActivity(() => telephone.idleSeconds())
  const described = async (): Promise<Description> => {
    const traits = await telephone.traits(({ methods }) => methods !== undefined)
    const offered = [
      ...always,
      ...(productOf(traits) ? [ofSoftware] : []),
      ...(traits.clockAheadMs === undefined ? [] : [ofClock]),
      ...(telephone.idleSeconds() === undefined ? [] : [ofActivity]),
    ]
    const name = productOf(traits)?.name
    return {
      identity: { category: 'client', type: traits.tags?.has('automata') ? 'bot' : 'phone', ...(name === undefined ? {} : { name }) },
      features: [...offered.flatMap(({ disco: names }) => names), ...understood(telephone.reads)],
      forms: formsOf(traits),
    }
  }
  return [discoOf(described), ...always, ofSoftware, ofClock, ofActivity]
}

/** What is carried over to a telephone that has shown that it reads it: RFC 3994 for XEP-0085, RFC 5438 in CPIM for XEP-0184 and XEP-0333. */
const understood = (reads: Reads | undefined): readonly string[] => [
  ...(reads?.composing ? [NS_CHAT_STATES] : []),
  ...(reads?.imdn ? [NS_MARKERS, NS_RECEIPTS] : []),
]

const clockOf = ({ clockAheadMs }: Traits, now: number): Date | undefined =>
  clockAheadMs === undefined ? undefined : new Date(now + clockAheadMs)
