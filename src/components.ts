/** Components, joined (XEP-0114): the way to them, their streams, and what they may do in the name of our accounts. */
import { Asking } from './account/asking.ts'
import { Awaiting } from './account/awaiting.ts'
import { Features } from './account/feature.ts'
import type { JoinedPresence } from './account/presence-rooms.ts'
import type { Sessions } from './account/sessions.ts'
import { Jid } from './address/jid.ts'
import { SipUri } from './address/sip-uri.ts'
import { ACCEPTED } from './core/answer.ts'
import type { WireSettings } from './core/from-wire.ts'
import type { Pbxes } from './core/pbx/pbxes.ts'
import type { Core, Signal } from './core/port.ts'
import type { Routes } from './core/routes.ts'
import type { DiscoItem } from './features/disco.ts'
import { roster } from './features/roster.ts'
import type { Log } from './log/log.ts'
import { uriFor } from './mapping/address.ts'
import type { Making } from './mapping/making.ts'
import { toSignal } from './mapping/signal.ts'
import type { SipPresence } from './sip-presence.ts'
import type { Store } from './store/port.ts'
import { ComponentStream } from './stream/component/component-stream.ts'
import { ComponentDomains } from './stream/component/domains.ts'
import { FromComponent } from './stream/component/from-component.ts'
import { COMPONENT_LIMITS, type ComponentLimits } from './stream/component/limits.ts'
import { ComponentNames, type ComponentsSettings } from './stream/component/names.ts'
import { Privileges } from './stream/component/privileges.ts'
import type { Connection } from './stream/connection.ts'
import type { Conversation } from './stream/conversation.ts'
import type { Guesses } from './stream/sasl/guesses.ts'
import { Submission } from './stream/submit.ts'

export interface ComponentsHouseSettings extends ComponentsSettings {
  /** Names of our own that are no domains of accounts: chat rooms. */
  readonly reserved?: readonly string[]
  /** What the domains show beside their components. */
  readonly discoItems?: readonly DiscoItem[]
  readonly limits?: Partial<ComponentLimits>
}

export interface ComponentsRooms {
  /** Our domains, as XMPP writes them, and the components beside them. */
  readonly settings: { readonly domains: readonly { readonly name: string }[]; readonly components?: ComponentsHouseSettings }
  readonly core: Pick<Core, 'submit'>
  /** Rosters and presence of our own accounts. */
  readonly own: JoinedPresence
  readonly sessions: Sessions
  readonly store: Pick<Store, 'accounts'>
  /** What is joined later than this, and asked only when somebody asks. */
  later(): { readonly routes: Routes; readonly pbxes: Pbxes; readonly presence: SipPresence }
  readonly making: Making
  readonly log: Log
}

type WirePresence = NonNullable<WireSettings['presence']>

export interface JoinedComponents {
  readonly domains: ComponentDomains
  /** The role of a stream in their namespace; wrong secrets are counted with wrong passwords. */
  roleOf(guesses: Guesses): (connection: Connection) => Conversation
  /** The notifier of our accounts, which is that of their users, too: what is told about them is what reached somebody as a stanza. */
  notifying(own: WirePresence): WirePresence
  /** What a domain shows of them, and beside them (XEP-0030 §4). */
  itemsOf(domain: Jid): readonly DiscoItem[]
  /** From now on; who has no place in it any more goes. */
  change(settings: ComponentsHouseSettings): void
  stop(): void
}

export function joinComponents({ settings: house, core, own, sessions, store, later, making, log }: ComponentsRooms): JoinedComponents {
  let settings = house.components ?? { components: [] }
  const hosted = house.domains.map(({ name }) => Jid.parse(name).domain)
  const watchers = { subscribe: (signal: Signal) => later().presence.watching.subscribe(signal) }
  const names = (): ComponentNames => new ComponentNames(settings, { hosted, reserved: settings.reserved ?? [] })
  const limits = { ...COMPONENT_LIMITS, ...settings.limits }
  const [answerWithinMs, forgottenAfterMs] = [limits.answerSeconds * 1_000, limits.forgottenSeconds * 1_000]
  const asking = new Asking(ACCEPTED, (reply) => core.submit(toSignal(reply, making)), { answerWithinMs, forgottenAfterMs })
  const awaiting = new Awaiting(forgottenAfterMs)
  const domains = new ComponentDomains(names(), { asking, awaiting, limits, watchers, making, log })
  const privileges = new Privileges({
    hosted,
    roster: new Features([roster({ ...own, sessions })]),
    exists: (account) => later().pbxes.knows(uriFor(account)) || store.accounts.exists(account),
    log,
  })
  const fromComponent = new FromComponent(new Submission(core, making, log), privileges, log)
  const isBelowNone = (domain: string): boolean => !hosted.some((name) => domain.endsWith(`.${name}`))
  return {
    domains,
    roleOf: (guesses) => (connection) => new ComponentStream(connection, { domains, guesses, fromComponent }),
    notifying: (presence) => ({
      events: presence.events,
      inDialog: (received) => presence.inDialog(received),
      isNotifierFor(received) {
        const address = SipUri.parse(received.request.uri)
        if (address.user === undefined || !domains.has(address.host)) return presence.isNotifierFor(received)
        // What an operator's route says of them comes first.
        return later().routes.hopFor(address) === undefined
      },
    }),
    itemsOf: ({ domain }) => [
      // One that is below none of our domains belongs to each of them.
      ...domains.components
        .filter((one) => one.isExpected && (one.domain.endsWith(`.${domain}`) || isBelowNone(one.domain)))
        .map((one) => ({ jid: one.domain })),
      ...(settings.discoItems ?? []),
    ],
    change(next) {
      settings = next
      domains.change(names())
    },
    stop() {
      domains.stop()
      asking.stop()
      awaiting.stop()
    },
  }
}
