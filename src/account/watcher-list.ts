/** Who watches an account of ours, and who has asked, for the account's own telephones: the document of `presence.winfo` (RFC 3857, RFC 3858). */
import { createHash } from 'node:crypto'
import type { SipUri } from '../address/sip-uri.ts'
import type { MaybePromise } from '../core/port.ts'
import type { Notifier } from '../core/subscriptions/notifier.ts'
import type { Document, Watch } from '../core/subscriptions/port.ts'
import { jidFor } from '../mapping/address.ts'
import { type Watcher, winfoDocument } from '../mapping/presence/winfo.ts'
import { mayView } from './contact.ts'
import type { Roster } from './roster.ts'
import { Versions } from './versions.ts'

export interface WatcherListRooms {
  readonly notifier: Pick<Notifier, 'watchersOf'>
  rosterOf(account: SipUri): MaybePromise<Roster>
  readonly now: () => number
}

export class WatcherList {
  readonly #versions: Versions

  constructor(readonly rooms: WatcherListRooms) {
    this.#versions = new Versions(rooms.now)
  }

  /** By dialog those who watch over SIP, and of the list of contacts those who may see the account or have asked to. */
  async documentFor(watch: Watch): Promise<Document> {
    const { notifier, now, rosterOf } = this.rooms
    const { watched } = watch
    const roster = await rosterOf(watched)
    const watchers: Watcher[] = []
    const listed = new Set<string>()
    for (const { watch: other, id, expiresAt } of notifier.watchersOf(watched, 'presence')) {
      const isSelf = other.watcher.aor === watched.aor
      const contact = isSelf ? undefined : roster.stored(jidFor(other.watcher))
      const mayIt = isSelf || (contact !== undefined && mayView(contact))
      listed.add(other.watcher.aor)
      watchers.push({ id, uri: other.watcher.toString(), ...statusOf(mayIt), expiresSeconds: (expiresAt - now()) / 1_000 })
    }
    for (const { stored, uri } of roster.contacts) {
      if (!uri || listed.has(uri.aor) || !(mayView(stored) || stored.pendingIn)) continue
      watchers.push({ id: idOf(uri), uri: uri.toString(), ...statusOf(mayView(stored)), name: stored.name })
    }
    return winfoDocument(watched, watchers, this.#versions.nextFor(watch))
  }
}

const statusOf = (mayView: boolean): Pick<Watcher, 'status' | 'event'> =>
  mayView ? { status: 'active', event: 'approved' } : { status: 'pending', event: 'subscribe' }

const idOf = ({ aor }: SipUri): string => createHash('sha256').update(aor).digest('base64url').slice(0, 16)
