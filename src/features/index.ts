/** What an account and a domain answer for themselves, in the order in which it is offered. */
import type { Feature } from '../account/feature.ts'
import { disco } from './disco.ts'
import { entityTime } from './entity-time.ts'
import { jidEscaping } from './jid-escaping.ts'
import { ping } from './ping.ts'
import { type RosterRooms, roster } from './roster.ts'
import { version } from './version.ts'

export interface Software {
  readonly name: string
  readonly version: string
}

export function domainFeatures(software: Software, now: () => Date): readonly Feature[] {
  const features = [jidEscaping, ping, version(software), entityTime(now)]
  return [disco({ category: 'server', type: 'im', name: software.name }, features), ...features]
}

export function accountFeatures(rooms: RosterRooms): readonly Feature[] {
  const features = [roster(rooms), ping]
  return [disco({ category: 'account', type: 'registered' }, features), ...features]
}
