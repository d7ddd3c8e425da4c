/** What each watcher of the XMPP world has seen of a SIP user elsewhere: his devices as their presence last said, with a call he is in laid over them. */
import type { Jid } from '../address/jid.ts'
import { keyOfWatch, type Notice, type Watch } from '../core/subscriptions/port.ts'
import { jidFor } from '../mapping/address.ts'
import type { CallState } from '../mapping/presence/dialog-info.ts'
import { presencesIn } from '../mapping/presence/presences-in.ts'
import { duringCall } from '../mapping/presence/telephone.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { addressed, kept, MERELY_AVAILABLE, UNAVAILABLE } from './presence-stanza.ts'

export interface ForeignSightsRooms {
  /** Into the core, as from any sender. */
  submit(stanza: Stanza): void
  callOf(watch: Watch): CallState | undefined
  readonly now: () => Date
}

/** What the XMPP side knows of one telephone, since it was last begun to be watched. */
interface Sight {
  /** By resource, without the call. */
  readonly devices: Map<string, Element>
  /** The call that was shown last. */
  call: CallState | undefined
  /** When the XMPP side last showed that it is there. */
  provedAt: number
  /** When the last of the devices went away. */
  goneAt: number | undefined
}

/** The device of somebody of whom only calls are known. */
const TELEPHONE = 'telephone'

export class ForeignSights {
  readonly #sights = new Map<string, Sight>()

  constructor(readonly rooms: ForeignSightsRooms) {}

  proved(watch: Watch): void {
    this.#of(watch).provedAt = this.rooms.now().getTime()
  }

  /** How long ago the XMPP side was there, in milliseconds. */
  provedAgo(watch: Watch): number {
    return this.rooms.now().getTime() - (this.#sights.get(keyOfWatch(watch))?.provedAt ?? 0)
  }

  /** Throws RefusedError for a document that cannot be read. */
  see(watch: Watch, { document, language }: Notice): void {
    const [telephone, xmpp] = [jidFor(watch.watched).bare, jidFor(watch.watcher).bare]
    const sight = this.#of(watch)
    const { devices } = sight
    const seen = document ? presencesIn(document, telephone, xmpp, { now: this.rooms.now(), language }) : []
    sight.call = this.rooms.callOf(watch)
    const gone = new Set(devices.keys())
    for (const stanza of seen) {
      const resource = stanza.from.resource ?? ''
      gone.delete(resource)
      if (stanza.type === 'unavailable') {
        if (devices.delete(resource)) this.rooms.submit(stanza)
        continue
      }
      const presence = kept(stanza.xml)
      devices.set(resource, presence)
      this.rooms.submit(sight.call ? addressed(duringCall(presence, sight.call), stanza.from, xmpp) : stanza)
    }
    for (const resource of gone) {
      devices.delete(resource)
      this.rooms.submit(addressed(UNAVAILABLE, deviceOf(telephone, resource), xmpp))
    }
    if (devices.size > 0) sight.goneAt = undefined
    else sight.goneAt ??= this.rooms.now().getTime()
  }

  /** Since when none of his devices is there; `now` where one is, undefined where he was never seen. */
  lastSeen(watch: Watch): number | 'now' | undefined {
    const sight = this.#sights.get(keyOfWatch(watch))
    return sight && sight.devices.size > 0 ? 'now' : sight?.goneAt
  }

  /** His calls are told, and nothing else of him is. */
  seeTelephone(watch: Watch): void {
    const sight = this.#of(watch)
    if (sight.devices.has(TELEPHONE)) return this.callChanged(watch)
    sight.devices.set(TELEPHONE, MERELY_AVAILABLE)
    sight.call = this.rooms.callOf(watch)
    this.showAll(watch)
  }

  callChanged(watch: Watch): void {
    const sight = this.#sights.get(keyOfWatch(watch))
    const call = this.rooms.callOf(watch)
    if (!sight || sight.call === call) return
    sight.call = call
    this.showAll(watch)
  }

  showAll(watch: Watch): void {
    const [telephone, xmpp] = [jidFor(watch.watched).bare, jidFor(watch.watcher).bare]
    const { devices, call } = this.#of(watch)
    for (const [resource, presence] of devices)
      this.rooms.submit(addressed(call ? duringCall(presence, call) : presence, deviceOf(telephone, resource), xmpp))
  }

  /** Nothing is seen of him any more. */
  vanish(watch: Watch): void {
    const sight = this.#sights.get(keyOfWatch(watch))
    if (!sight) return
    const [telephone, xmpp] = [jidFor(watch.watched).bare, jidFor(watch.watcher).bare]
    for (const resource of sight.devices.keys()) this.rooms.submit(addressed(UNAVAILABLE, deviceOf(telephone, resource), xmpp))
    this.#sights.delete(keyOfWatch(watch))
  }

  #of(watch: Watch): Sight {
    const key = keyOfWatch(watch)
    let sight = this.#sights.get(key)
    if (!sight) {
      sight = { devices: new Map(), call: undefined, provedAt: 0, goneAt: undefined }
      this.#sights.set(key, sight)
    }
    return sight
  }
}

const deviceOf = (telephone: Jid, resource: string): Jid => (resource === '' ? telephone : telephone.withResource(resource))
