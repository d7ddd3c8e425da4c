/** Rosters, subscriptions and presence of our accounts, joined. */
import type { Core } from '../core/port.ts'
import type { Making } from '../mapping/making.ts'
import type { Rosters as StoredRosters } from '../store/port.ts'
import { Devices } from './devices.ts'
import { Directed } from './directed.ts'
import { Presences } from './presences.ts'
import { Rosters } from './rosters.ts'
import { Sending } from './sending.ts'
import type { Sessions } from './sessions.ts'
import { Subscribing } from './subscribing.ts'
import { Turns } from './turns.ts'
import { NO_WATCHERS, type SipWatchers } from './watchers.ts'

export interface PresenceRoomsSettings {
  readonly store: StoredRosters
  readonly sessions: Sessions
  /** What presence goes out through; asked only when something does. */
  readonly core: Pick<Core, 'submit'>
  readonly making: Making
  readonly watchers?: Pick<SipWatchers, 'arrived'>
}

export interface JoinedPresence {
  readonly rosters: Rosters
  readonly devices: Devices
  readonly directed: Directed
  readonly sending: Sending
  readonly presences: Presences
  readonly subscribing: Subscribing
  readonly watchers: Pick<SipWatchers, 'arrived'>
}

export function joinPresence({ store, sessions, core, making, watchers = NO_WATCHERS }: PresenceRoomsSettings): JoinedPresence {
  const now = (): Date => making.now()
  const rosters = new Rosters(store, sessions, { now: () => now().getTime() })
  const devices = new Devices(sessions)
  const directed = new Directed()
  const turns = new Turns()
  const sending = new Sending(core, making)
  const presences = new Presences({ rosters, sessions, devices, directed, turns, sending, watchers, now })
  const subscribing = new Subscribing({ rosters, sessions, turns, presences, sending, watchers })
  return { rosters, devices, directed, sending, presences, subscribing, watchers }
}
