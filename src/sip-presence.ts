/** Presence over SIP, joined: the dialogs in which others watch and those in which ours do, with the rooms that know who may see what. */
import { Foreign } from './account/foreign.ts'
import type { JoinedPresence } from './account/presence-rooms.ts'
import { Publishing } from './account/publishing.ts'
import { Relations } from './account/relations.ts'
import { Saying } from './account/saying.ts'
import { Watching } from './account/watching.ts'
import type { Jid } from './address/jid.ts'
import { SipUri } from './address/sip-uri.ts'
import type { Authenticator } from './core/authenticator.ts'
import type { Registrations } from './core/location.ts'
import type { Pbxes } from './core/pbx/pbxes.ts'
import type { Core, MaybePromise } from './core/port.ts'
import type { Routes } from './core/routes.ts'
import { eventName } from './core/subscriptions/event.ts'
import { InDialog } from './core/subscriptions/in-dialog.ts'
import { Notifier } from './core/subscriptions/notifier.ts'
import { PACKAGES } from './core/subscriptions/packages.ts'
import { Publications } from './core/subscriptions/publications.ts'
import { Publisher } from './core/subscriptions/publisher.ts'
import { Subscriber } from './core/subscriptions/subscriber.ts'
import { type Elsewhere, WaysOut } from './core/subscriptions/ways-out.ts'
import type { Log } from './log/log.ts'
import { uriFor } from './mapping/address.ts'
import type { Making } from './mapping/making.ts'
import type { Aggregate } from './mapping/presence/aggregate.ts'
import { WINFO_EVENT } from './mapping/presence/winfo.ts'
import { toSignal } from './mapping/signal.ts'
import type { Outbound } from './sip/locate/outbound.ts'
import type { SipRequest, SipResponse } from './sip/message.ts'
import type { NextHop, Received, SipStack } from './sip/port.ts'
import type { Stanza } from './stanza/stanza.ts'
import type { Store } from './store/port.ts'
import { joinTelephonePresence } from './telephone-presence.ts'

/** The event packages whose notifier we are. */
export const EVENTS: readonly string[] = PACKAGES.map(({ event }) => event)

/** What an operator says of one domain's presence. */
export interface PresenceSettings {
  /** As XMPP writes it. */
  readonly name: string
  /** Which of an account's devices stands for it where only one state can be shown; absent: the most available one. */
  readonly aggregate?: Aggregate
  /** Of a domain that lives on a PBX: whether calls are watched there, our users' presence is published there, or both; absent: the first. */
  readonly presence?: 'dialog' | 'publish' | 'both'
}

export interface SipPresenceRooms {
  readonly store: Store
  readonly stack: SipStack
  readonly outbound: Outbound
  readonly routes: Routes
  readonly pbxes: Pbxes
  readonly locations: Registrations
  /** Rosters and presence of our own accounts. */
  readonly own: JoinedPresence
  readonly core: Core
  /** Our domains, by their SIP hosts. */
  readonly hosts: ReadonlyMap<string, PresenceSettings>
  isAccount(address: SipUri): MaybePromise<boolean>
  readonly authenticator: Authenticator
  /** Whether what comes from there may speak for others. */
  isKnown(received: Received): boolean
  readonly making: Making
  readonly log: Log
}

export interface SipPresence {
  readonly watching: Watching
  readonly foreign: Foreign
  readonly relations: Relations
  readonly notifier: Notifier
  readonly publications: Publications
  /** Presence has reached an address of ours, or a device of ours has told its own account. */
  arrived(stanza: Stanza): void
  inDialog(received: Received): MaybePromise<SipResponse> | undefined
  /** Whether this SUBSCRIBE is for somebody whose notifier we are: not for who lives behind a next hop, nor for a package that is the telephones' own. */
  isNotifierFor(received: Received): boolean
  readonly events: readonly string[]
  /** The account is gone. */
  forget(account: Jid): void
  /** Its telephones have to prove anew that they are its own. */
  signedOut(account: Jid): void
  restore(): Promise<void>
  /** Takes back what was published elsewhere; the stack has to be there still. */
  leave(): Promise<void>
  stop(): void
}

/** How long a PBX gets to answer that. */
const LEAVE_MS = 2_000

export function joinSipPresence(rooms: SipPresenceRooms): SipPresence {
  const { store, stack, outbound, routes, pbxes, own, core, hosts, making, log } = rooms
  const now = (): number => making.now().getTime()
  const ways = {
    locations: rooms.locations,
    send: (request: SipRequest, target: SipUri) => outbound.send(request, target),
    sendTo: (request: SipRequest, hop: NextHop) => stack.send(request, hop),
    hopsFor: (target: SipUri) => outbound.locator.hopsFor(target),
    localFor: (hop: NextHop) => stack.localFor(hop),
  }
  const outward = new WaysOut({ ...ways, elsewhere: (address) => elsewhereFor(address, routes, pbxes) })
  const saying = new Saying((stanza) => core.submit(toSignal(stanza, making, { arrival: { kind: 'task' } })), log)
  const relations = new Relations(store.kept('relations'), log)
  const isOwn = (address: SipUri): boolean =>
    hosts.has(address.host) && routes.hopFor(address) === undefined && (pbxes.hopFor(address) === undefined || pbxes.residents.has(address))
  const keepsDialogs = stack.can.dialogs === 'ours'
  const aggregateOf = (name: string): Aggregate => {
    for (const domain of hosts.values()) if (domain.name === name) return domain.aggregate ?? 'most-available'
    return 'most-available'
  }
  const shared = { outward, packages: PACKAGES, keepsDialogs, now, log }

  const watching: Watching = new Watching({
    notifier: {
      subscribe: (signal, watch) => notifier.subscribe(signal, watch),
      changed: (watched, watcher, event) => notifier.changed(watched, watcher, event),
      terminate: (watch, reason, after) => notifier.terminate(watch, reason, after),
      has: (watch) => notifier.has(watch),
    },
    publications: { publish: (signal, account) => publications.publish(signal, account) },
    relations,
    rosters: {
      isSubscribed: (account, contact) => own.subscribing.isSubscribed(account, contact),
      subscribe: async (account, contact) => {
        const { answer } = await own.subscribing.outbound(account, contact, 'subscribe')
        await answer
      },
      approve: (account, contact) => approve(own, account, contact),
      presencesOf: (account) => own.presences.presencesOf(account),
    },
    isOwn,
    exists: (address) => !hosts.has(address.host) || pbxes.residents.has(address) || rooms.isAccount(address),
    saying,
    documents: {
      dialog: (watch) => telephones.documents.dialog?.(watch),
      [WINFO_EVENT]: (watch) => telephones.documents[WINFO_EVENT]?.(watch),
    },
    aggregateOf,
    making,
    log,
  })
  const notifier = new Notifier({ ...shared, views: watching, kept: store.kept('watchers') })
  const telephones = joinTelephonePresence({ stack, locations: rooms.locations, own, notifier, now, log })
  const foreign: Foreign = new Foreign({
    relations,
    subscriber: {
      subscribe: (watch) => subscriber.subscribe(watch),
      unsubscribe: (watch) => subscriber.unsubscribe(watch),
      refresh: (watch) => subscriber.refresh(watch),
      fetch: (watch) => subscriber.fetch(watch),
      has: (watch) => subscriber.has(watch),
    },
    shown: watching,
    saying,
    // A telephone that is registered sees nothing by that: only one that watches.
    isSeen: (watch) => {
      const { aor, host } = watch.watcher
      if (!hosts.has(host)) return undefined
      return own.devices.sessions.sessionsOf(aor).some(({ presence }) => presence !== undefined) || notifier.has(watch)
    },
    asksForCalls: ({ host }) => hosts.get(host)?.presence !== 'publish',
    making,
    log,
  })
  const subscriber = new Subscriber({ ...shared, notices: foreign, kept: store.kept('watching'), random: Math.random })
  const publications = new Publications({
    kept: store.kept('published'),
    packages: PACKAGES,
    published: (account, event, published) => telephones.devices.published(account, event, published),
    now,
    log,
  })
  const publisher = new Publisher({
    outward: new WaysOut({ ...ways, elsewhere: (address) => atPbx(address, pbxes) }),
    now,
    random: Math.random,
    log,
  })
  const publishing = new Publishing({
    publisher,
    hosts: new Set([...hosts].flatMap(([host, { presence = 'dialog' }]) => (presence === 'dialog' || !pbxes.isAt(host) ? [] : [host]))),
    presencesOf: (account) => own.presences.presencesOf(account),
    aggregateOf,
    making,
    log,
  })

  const inDialog = new InDialog({
    notifier,
    subscriber,
    proofOf: (request, account, host) => rooms.authenticator.check(request, account, 'proxy', host),
    isKnown: rooms.isKnown,
  })

  return {
    watching,
    foreign,
    relations,
    notifier,
    publications,
    arrived(stanza) {
      watching.arrived(stanza)
      publishing.arrived(stanza)
    },
    inDialog: (received) => inDialog.serve(received),
    isNotifierFor(received) {
      const { uri, headers } = received.request
      const event = eventName(headers.get('Event'))
      if (!EVENTS.includes(event)) return false
      const address = pbxes.accountFor(received) ?? SipUri.parse(uri)
      if (address.user === undefined || routes.hopFor(address)) return false
      return hosts.has(address.host) && isOwn(address)
    },
    events: EVENTS,
    forget(account) {
      relations.forget(account)
      const address = uriFor(account.bare)
      publications.forget(address)
      notifier.forget(address)
      subscriber.forget(address)
    },
    signedOut(account) {
      notifier.signedOut(uriFor(account.bare))
    },
    async restore() {
      // Nobody was told that these were gone.
      telephones.devices.takeUp()
      await relations.restore(now())
      await publications.restore()
      telephones.devices.takeUp()
      await notifier.restore()
      await subscriber.restore()
    },
    async leave() {
      if (publisher.size === 0) return
      await Promise.race([publisher.stop(), new Promise((resolve) => setTimeout(resolve, LEAVE_MS).unref())])
    },
    stop() {
      telephones.devices.stop()
      notifier.stop()
      subscriber.stop()
      publications.stop()
    },
  }
}

/** What the Router's table says comes before what we know of an address; a PBX asks for credentials in each dialog. */
export function elsewhereFor(address: SipUri, routes: Routes, pbxes: Pbxes): Elsewhere | undefined {
  const routed = routes.hopFor(address)
  if (routed) return { address: routed.address, peer: routed.hop.peer, takesDialogs: false }
  return pbxes.residents.has(address) ? undefined : atPbx(address, pbxes)
}

function atPbx(address: SipUri, pbxes: Pbxes): Elsewhere | undefined {
  const pbx = pbxes.hopFor(address)
  return pbx && { address, peer: pbx.peer, takesDialogs: true }
}

/**
 * Nobody can be asked who has telephones alone: whom one of them begins to watch, and who is no contact yet, may see its account as well. Whoever has a client says it
 * himself, and what he has said of a contact stands.
 */
async function approve({ rosters, devices, subscribing }: JoinedPresence, account: Jid, contact: Jid): Promise<void> {
  if (devices.sessions.sessionsOf(uriFor(account).aor).length > 0) return
  const roster = await rosters.of(account)
  if (roster.stored(contact)?.listed) return
  const { answer } = await subscribing.outbound(account, contact, 'subscribed')
  await answer
}
