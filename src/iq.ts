/** Questions and answers, joined: what is outstanding, what accounts answer, and what is answered for telephones, of which something is learned as they register. */
import type { AskedTelephone } from './account/asked-telephone.ts'
import { Asking } from './account/asking.ts'
import { Awaiting } from './account/awaiting.ts'
import type { IqDeliveryRooms } from './account/deliver-iq.ts'
import { Features } from './account/feature.ts'
import { ForTelephones } from './account/for-telephones.ts'
import type { JoinedPresence } from './account/presence-rooms.ts'
import type { Sessions } from './account/sessions.ts'
import { ACCEPTED } from './core/answer.ts'
import { Inquiries } from './core/inquiries.ts'
import { KnownTraits } from './core/known-traits.ts'
import type { Manners } from './core/manners.ts'
import type { Pbxes } from './core/pbx/pbxes.ts'
import type { Core, Delivery, Signal } from './core/port.ts'
import type { Registrar } from './core/registrar.ts'
import type { Routes } from './core/routes.ts'
import type { Telephones } from './core/telephones.ts'
import { accountFeatures, contactFeatures, telephoneFeatures } from './features/index.ts'
import { uriFor } from './mapping/address.ts'
import type { Making } from './mapping/making.ts'
import { toSignal } from './mapping/signal.ts'
import { toStanza } from './mapping/stanza.ts'
import { elsewhereFor, type SipPresence } from './sip-presence.ts'

export interface IqRooms {
  readonly core: Pick<Core, 'submit'>
  readonly sessions: Sessions
  readonly telephones: Telephones
  /** Rosters and presence of our own accounts. */
  readonly own: JoinedPresence
  /** What is joined later than this, and asked only when somebody asks. */
  later(): { readonly routes: Routes; readonly pbxes: Pbxes; readonly presence: SipPresence }
  readonly manners: Manners
  readonly making: Making
}

export interface JoinedIq {
  /** What an account needs of it. */
  readonly delivery: Omit<IqDeliveryRooms, 'sessions' | 'locations' | 'subscribing' | 'log'>
  /** An INFO that would go to a next hop which carries no P-XMPP-Data. */
  elsewhere(signal: Signal): Delivery
  /** The registrar, with somebody who listens to what telephones say of themselves. */
  listening(registrar: Registrar): Pick<Registrar, 'register' | 'flows'>
  stop(): void
}

export function joinIq({ core, sessions, telephones, own, later, manners, making }: IqRooms): JoinedIq {
  const now = (): number => making.now().getTime()
  const awaiting = new Awaiting()
  // A late answer is a stanza like any other: it goes through the core's door.
  const asking = new Asking(ACCEPTED, (reply) => core.submit(toSignal(reply, making)))
  const known = new KnownTraits(now)
  const forTelephones = new ForTelephones({
    telephones,
    inquiries: new Inquiries(),
    known,
    manners,
    featuresOf: (telephone: AskedTelephone) => new Features(telephoneFeatures(telephone, now)),
    mayView: (account, contact) => own.subscribing.mayView(account, contact),
    elsewhere(address) {
      const { routes, pbxes } = later()
      return elsewhereFor(address, routes, pbxes)
    },
    sightOf(telephone, watcher) {
      const { relations, foreign } = later().presence
      if (relations.between(telephone, watcher).seesTelephone !== 'granted') return undefined
      return { goneAt: foreign.lastSeen({ watcher: uriFor(watcher), watched: telephone, event: 'presence' }) }
    },
    now,
  })
  return {
    delivery: {
      asking,
      awaiting,
      features: new Features(accountFeatures({ ...own, sessions })),
      contactFeatures: new Features(contactFeatures()),
      forTelephones,
    },
    elsewhere: (signal) => forTelephones.askElsewhere(signal, toStanza(signal, making)),
    listening: (registrar) => ({
      flows: registrar.flows,
      async register(received, account) {
        const response = await registrar.register(received, account)
        known.registered(received, account)
        return response
      },
    }),
    stop() {
      asking.stop()
      awaiting.stop()
    },
  }
}
