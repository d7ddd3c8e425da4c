/** Presence over SIP, joined: the dialogs in which others watch and those in which ours do, with the rooms that know who may see what. */
import { Foreign } from './account/foreign.ts'
import type { JoinedPresence } from './account/presence-rooms.ts'
import { Relations } from './account/relations.ts'
import { Watching } from './account/watching.ts'
import type { Jid } from './address/jid.ts'
import { SipUri } from './address/sip-uri.ts'
import type { Authenticator } from './core/authenticator.ts'
import type { Locations } from './core/location.ts'
import type { Pbxes } from './core/pbx/pbxes.ts'
import type { Core, MaybePromise } from './core/port.ts'
import type { Routes } from './core/routes.ts'
import { InDialog } from './core/subscriptions/in-dialog.ts'
import { Notifier } from './core/subscriptions/notifier.ts'
import { PACKAGES } from './core/subscriptions/packages.ts'
import type { Document, Watch } from './core/subscriptions/port.ts'
import { Publications, type Published } from './core/subscriptions/publications.ts'
import { Subscriber } from './core/subscriptions/subscriber.ts'
import { type Elsewhere, WaysOut } from './core/subscriptions/ways-out.ts'
import type { Log } from './log/log.ts'
import { uriFor } from './mapping/address.ts'
import type { Making } from './mapping/making.ts'
import type { Aggregate } from './mapping/presence/aggregate.ts'
import { toSignal } from './mapping/signal.ts'
import type { Outbound } from './sip/locate/outbound.ts'
import type { SipResponse } from './sip/message.ts'
import type { Received, SipStack } from './sip/port.ts'
import type { Stanza } from './stanza/stanza.ts'
import type { Store } from './store/port.ts'

/** The event packages whose notifier we are. */
export const EVENTS: readonly string[] = PACKAGES.map(({ event }) => event)

export interface SipPresenceRooms {
  readonly store: Store
  readonly stack: SipStack
  readonly outbound: Outbound
  readonly routes: Routes
  readonly pbxes: Pbxes
  readonly locations: Locations
  /** Rosters and presence of our own accounts. */
  readonly own: JoinedPresence
  readonly core: Core
  /** Our domains as SIP hosts. */
  readonly hosts: { has(host: string): boolean }
  isAccount(address: SipUri): MaybePromise<boolean>
  readonly authenticator: Authenticator
  /** Whether what comes from there may speak for others. */
  isKnown(received: Received): boolean
  aggregateOf(domain: string): Aggregate
  /** What other packages than `presence` show, for a watcher who may see it. */
  readonly documents: Readonly<Record<string, (watch: Watch) => MaybePromise<Document | undefined>>>
  published(account: SipUri, event: string, published: readonly Published[]): void
  readonly making: Making
  readonly log: Log
}

export interface SipPresence {
  readonly watching: Watching
  readonly foreign: Foreign
  readonly relations: Relations
  readonly notifier: Notifier
  readonly publications: Publications
  inDialog(received: Received): MaybePromise<SipResponse> | undefined
  /** Whether this SUBSCRIBE is for somebody whose notifier we are: not for who lives behind a next hop, nor for a package that is the telephones' own. */
  isNotifierFor(received: Received): boolean
  readonly events: readonly string[]
  /** The account is gone. */
  forget(account: Jid): void
  restore(): Promise<void>
  stop(): void
}

export function joinSipPresence(rooms: SipPresenceRooms): SipPresence {
  const { store, stack, outbound, routes, pbxes, own, core, hosts, making, log } = rooms
  const now = (): number => making.now().getTime()
  const outward = new WaysOut({
    elsewhere: (address) => elsewhereFor(address, routes, pbxes),
    locations: rooms.locations,
    send: (request, target) => outbound.send(request, target),
    sendTo: (request, hop) => stack.send(request, hop),
    hopsFor: (target) => outbound.locator.hopsFor(target),
    localFor: (hop) => stack.localFor(hop),
  })
  const submit = (stanza: Stanza) => core.submit(toSignal(stanza, making, { arrival: { kind: 'task' } }))
  const relations = new Relations(store.kept('relations'), log)
  const isOwn = (address: SipUri): boolean =>
    hosts.has(address.host) && routes.hopFor(address) === undefined && (pbxes.hopFor(address) === undefined || pbxes.residents.has(address))
  const keepsDialogs = stack.can.dialogs === 'ours'
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
      presencesOf: (account) => own.presences.presencesOf(account),
    },
    isOwn,
    exists: (address) => !hosts.has(address.host) || pbxes.residents.has(address) || rooms.isAccount(address),
    submit,
    documents: rooms.documents,
    aggregateOf: rooms.aggregateOf,
    making,
    log,
  })
  const notifier = new Notifier({ ...shared, views: watching, kept: store.kept('watchers') })
  const foreign: Foreign = new Foreign({
    relations,
    subscriber: {
      subscribe: (watch) => subscriber.subscribe(watch),
      unsubscribe: (watch) => subscriber.unsubscribe(watch),
      fetch: (watch) => subscriber.fetch(watch),
      has: (watch) => subscriber.has(watch),
    },
    shown: watching,
    submit,
    isOnline: (jid: Jid) => {
      const uri = uriFor(jid)
      return hosts.has(uri.host) ? own.devices.availableOf(uri.aor).length > 0 : undefined
    },
    making,
    log,
  })
  const subscriber = new Subscriber({ ...shared, notices: foreign, kept: store.kept('watching'), random: Math.random })
  const publications = new Publications({
    kept: store.kept('published'),
    packages: PACKAGES,
    published: rooms.published,
    now,
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
    inDialog: (received) => inDialog.serve(received),
    isNotifierFor(received) {
      const { uri, headers } = received.request
      const event = /^\s*([^\s;]+)/.exec(headers.get('Event') ?? '')?.[1] ?? ''
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
    async restore() {
      await relations.restore(now())
      await publications.restore()
      await notifier.restore()
      await subscriber.restore()
    },
    stop() {
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
  const pbx = pbxes.residents.has(address) ? undefined : pbxes.hopFor(address)
  return pbx && { address, peer: pbx.peer, takesDialogs: true }
}
