/**
 * What an XMPP client asks of a telephone, answered by the gateway in its place: no telephone understands an iq, and none is ever sent one. Who may not see the
 * telephone's presence is told what he would be told if there were none (RFC 6121 §8.5.3, §11).
 */
import type { Jid } from '../address/jid.ts'
import { SipUri } from '../address/sip-uri.ts'
import { OK } from '../core/answer.ts'
import { answerOf, type Inquiries } from '../core/inquiries.ts'
import { type KnownTraits, keyOfContact } from '../core/known-traits.ts'
import { type Binding, deviceKey } from '../core/location.ts'
import type { Manners } from '../core/manners.ts'
import type { Answer, MaybePromise, Signal } from '../core/port.ts'
import type { HopPeer } from '../core/sip-hop.ts'
import type { Telephones } from '../core/telephones.ts'
import { jidFor } from '../mapping/address.ts'
import { answerFor } from '../mapping/answer.ts'
import { xmlText } from '../mapping/xml-text.ts'
import { StanzaError } from '../stanza/error.ts'
import type { Stanza } from '../stanza/stanza.ts'
import { answerIq } from './answer-iq.ts'
import { type AskedBy, type AskedTelephone, OneTelephone, type Owner } from './asked-telephone.ts'
import type { Features } from './feature.ts'
import { andThen } from './turns.ts'

export interface ForTelephonesRooms {
  readonly telephones: Pick<Telephones, 'ask'>
  readonly inquiries: Inquiries
  readonly known: KnownTraits
  /** What each reads; learned from its answers, too. */
  readonly manners: Pick<Manners, 'accepts' | 'readsOf'>
  /** What a telephone answers, and how. */
  featuresOf(telephone: AskedTelephone): Features
  /** Whether somebody may see the presence of an account of ours. */
  mayView(account: Jid, contact: Jid): MaybePromise<boolean>
  /** The way to somebody who is no account of ours; undefined where none is known. */
  elsewhere(address: SipUri): { readonly address: SipUri; readonly peer: HopPeer } | undefined
  /** What somebody may see of a SIP user elsewhere: nothing (undefined), or since when none of his devices is there; `now` where one is. */
  sightOf(telephone: SipUri, watcher: Jid): { readonly goneAt: number | 'now' | undefined } | undefined
  now(): number
}

/** The words of a device that is not there, for everybody who may not know that it is. */
export const NOT_THERE = new StanzaError('cancel', 'service-unavailable', 'This device is not there')

export class ForTelephones {
  readonly #by: AskedBy

  constructor(readonly rooms: ForTelephonesRooms) {
    const { inquiries, known, manners } = rooms
    this.#by = { inquiries, known, manners, now: () => rooms.now() }
  }

  /** An iq get or set for a registered telephone of an account of ours. */
  ask(signal: Signal, iq: Stanza, binding: Binding): MaybePromise<Answer> {
    return andThen(this.rooms.mayView(iq.to.bare, iq.from.bare), (may) => {
      if (!may) return answerFor(NOT_THERE, signal)
      return answerIq(this.rooms.featuresOf(this.#registered(signal, binding)), iq, signal)
    })
  }

  /** Whether this address is a SIP user's who is no account of ours. */
  isElsewhere(address: SipUri): boolean {
    return address.user !== undefined && this.rooms.elsewhere(address.bare) !== undefined
  }

  /** An iq for such a SIP user, or one of his devices. */
  askElsewhere(signal: Signal, iq: Stanza): MaybePromise<Answer> {
    // Nobody there has asked anything: what answers it was late, or is a lie.
    if (iq.type === 'result' || iq.type === 'error') return OK
    const user = signal.to.bare
    const way = this.rooms.elsewhere(user)
    const sight = this.rooms.sightOf(user, iq.from.bare)
    if (!way || !sight) return answerFor(NOT_THERE, signal)
    const { address, peer } = way
    const key = user.aor
    const from = signal.from.bare
    const inquiry = {
      // Another sender may be refused where this one is not.
      key: `${key} ${from.aor}`,
      from,
      to: user,
      target: address.bare,
      send: (request: Parameters<HopPeer['send']>[0]) => answerOf(peer.send(request)),
    }
    const heardAt = () => (sight.goneAt === 'now' ? this.rooms.now() : sight.goneAt)
    return answerIq(this.rooms.featuresOf(new OneTelephone(this.#ownerOf(user, key), key, key, inquiry, this.#by, heardAt)), iq, signal)
  }

  #registered({ to }: Signal, binding: Binding): AskedTelephone {
    const account = to.bare
    const key = keyOfContact(account.aor, binding.contact)
    const inquiry = {
      key,
      // Nobody's name: the telephone answers the same to all.
      from: SipUri.of(undefined, account.host),
      to: account,
      target: binding.contact,
      send: (request: Parameters<Telephones['ask']>[1]) => this.rooms.telephones.ask(binding, request),
    }
    const heardAt = () => this.rooms.known.of(key).registeredAt ?? binding.begun
    return new OneTelephone(this.#ownerOf(account, key), key, deviceKey(binding), inquiry, this.#by, heardAt)
  }

  #ownerOf(user: SipUri, key: string): Owner {
    const name = this.rooms.known.of(key).traits.displayName
    const number = user.user !== undefined && NUMBER.test(user.user) ? user.user : undefined
    return { address: jidFor(user).toString(), number, uri: user.toString(), name: name === undefined ? undefined : xmlText(name) }
  }
}

/** RFC 3966: what can be dialled. An extension of two digits is a number, too. */
const NUMBER = /^\+?[0-9]{2,20}$/
