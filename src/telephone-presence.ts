/** What our accounts' telephones show of themselves, joined: registrations, what they publish, and the calls that the stack's proxy carries. */
import { AccountCalls } from './account/account-calls.ts'
import type { JoinedPresence } from './account/presence-rooms.ts'
import { TelephoneDevices } from './account/telephone-devices.ts'
import { WatcherList } from './account/watcher-list.ts'
import { SipUri } from './address/sip-uri.ts'
import type { Registrations } from './core/location.ts'
import type { MaybePromise } from './core/port.ts'
import type { Notifier } from './core/subscriptions/notifier.ts'
import type { Document, Watch } from './core/subscriptions/port.ts'
import type { Log } from './log/log.ts'
import { jidFor } from './mapping/address.ts'
import { DIALOG_EVENT } from './mapping/presence/dialog-info.ts'
import { WINFO_EVENT } from './mapping/presence/winfo.ts'
import type { SipStack } from './sip/port.ts'

export interface TelephonePresenceRooms {
  readonly stack: SipStack
  readonly locations: Registrations
  readonly own: JoinedPresence
  readonly notifier: Pick<Notifier, 'changed' | 'watchersOf'>
  readonly now: () => number
  readonly log: Log
}

export interface TelephonePresence {
  readonly devices: TelephoneDevices
  readonly calls: AccountCalls
  /** What these packages show of an account of ours. */
  readonly documents: Readonly<Record<string, (watch: Watch) => MaybePromise<Document | undefined>>>
}

export function joinTelephonePresence({ stack, locations, own, notifier, now, log }: TelephonePresenceRooms): TelephonePresence {
  const { presences, rosters } = own
  const calls: AccountCalls = new AccountCalls({
    changed(aor) {
      devices.changed(aor)
      notifier.changed(SipUri.parse(`sip:${aor}`), undefined, DIALOG_EVENT)
    },
    now,
  })
  const devices = new TelephoneDevices({
    locations,
    setDevice: (account, resource, presence) => presences.setDevice(account, resource, presence),
    takeUp: (account, resource, presence) => own.devices.set(account, resource, presence),
    isSession: (aor, resource) => own.devices.sessions.sessionsOf(aor).some(({ jid }) => jid.resource === resource),
    callOf: (aor) => calls.stateOf(aor),
    log,
  })
  const watchers = new WatcherList({ notifier, rosterOf: (account) => rosters.of(jidFor(account).bare), now })
  locations.watch((aor) => devices.changed(aor))
  stack.watchCalls?.(calls)
  const documents = {
    [DIALOG_EVENT]: (watch: Watch) => calls.documentFor(watch),
    [WINFO_EVENT]: (watch: Watch) => watchers.documentFor(watch),
  }
  return { devices, calls, documents }
}
