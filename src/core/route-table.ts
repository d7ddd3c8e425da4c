/** The Router's table: the first rule that takes an address decides; an alias begins again from the top. */
import { unescaped } from '../address/escaping.ts'
import { SipUri } from '../address/sip-uri.ts'
import { type AliasRoute, type HopRoute, type RelayRoute, type RouteRule, userKey } from './route-rule.ts'

/** Aliases one address may go through: more are a circle, or nobody understands them any more. */
export const ALIASES_MAX = 8

export type Resolution =
  /** No rule has the last word: the other ways are asked for this address. */
  | { readonly kind: 'onward'; readonly address: SipUri }
  | { readonly kind: 'hop'; readonly address: SipUri; readonly index: number; readonly to: HopRoute; readonly relays: boolean }
  | { readonly kind: 'relay'; readonly address: SipUri; readonly index: number; readonly to: RelayRoute; readonly relays: boolean }
  | { readonly kind: 'circle'; readonly address: SipUri }

/** For who explains: each rule that was looked at, in order. */
export type Watching = (look: {
  readonly index: number
  readonly address: SipUri
  readonly verdict: 'not meant' | 'not for this sender' | 'taken'
  /** After an alias. */
  readonly next?: SipUri
}) => void

export class RouteTable {
  constructor(readonly rules: readonly RouteRule[]) {}

  /** `isBarred`: a hop rule that this signal must not take. */
  resolve(first: SipUri, isBarred: (index: number) => boolean, watching?: Watching): Resolution {
    let address = first
    let relays = true
    for (let aliases = 0; aliases <= ALIASES_MAX; aliases++) {
      const index = this.#firstFor(address, isBarred, watching)
      const rule = this.rules[index]
      if (!rule) return { kind: 'onward', address }
      relays &&= rule.relays
      if (rule.to.kind === 'hop') return { kind: 'hop', address, index, to: rule.to, relays }
      if (rule.to.kind === 'relay') return { kind: 'relay', address, index, to: rule.to, relays }
      const next = aliased(address, rule, rule.to)
      watching?.({ index, address, verdict: 'taken', next })
      address = next
    }
    return { kind: 'circle', address }
  }

  /** The rule that takes this address as it stands; undefined where none does. */
  ruleFor(address: SipUri): number | undefined {
    const index = this.#firstFor(address, () => false, undefined)
    return index < 0 ? undefined : index
  }

  /** The first alias of the table that only leads round in a circle; undefined where there is none. */
  circle(): number | undefined {
    const found = this.rules.findIndex((rule) => {
      if (rule.to.kind !== 'alias') return false
      const sample = SipUri.of(unescaped(rule.user?.filled('anybody') ?? 'anybody'), rule.domain.filled('any'))
      return this.resolve(sample, () => false).kind === 'circle'
    })
    return found < 0 ? undefined : found
  }

  #firstFor(address: SipUri, isBarred: (index: number) => boolean, watching: Watching | undefined): number {
    const { rules } = this
    for (let index = 0; index < rules.length; index++) {
      const rule = rules[index]
      if (!rule || !takes(rule, address)) {
        watching?.({ index, address, verdict: 'not meant' })
        continue
      }
      if (rule.to.kind !== 'hop' || !isBarred(index)) {
        if (rule.to.kind !== 'alias') watching?.({ index, address, verdict: 'taken' })
        return index
      }
      watching?.({ index, address, verdict: 'not for this sender' })
    }
    return -1
  }
}

function takes({ user, domain }: RouteRule, address: SipUri): boolean {
  if (domain.match(address.host) === undefined) return false
  if (user === undefined) return true
  return address.user !== undefined && user.match(userKey(address.user)) !== undefined
}

/** The device stays: the account has another name, not another telephone. */
function aliased(address: SipUri, { user, domain }: RouteRule, to: AliasRoute): SipUri {
  const host = to.domain.filled(domain.match(address.host) ?? '')
  if (address.user === undefined || to.user === undefined) return SipUri.of(address.user, host, { gr: address.gr })
  const star = user?.match(userKey(address.user)) ?? ''
  return SipUri.of(unescaped(to.user.filled(star)), host, { gr: address.gr })
}
