/** `<show/>` and the activities of RPID (RFC 4480 §3.2), each from the other: RFC 8048 leaves that to implementations. */

export type Show = 'chat' | 'away' | 'xa' | 'dnd'

const SHOWS: ReadonlySet<string> = new Set(['chat', 'away', 'xa', 'dnd'] satisfies Show[])
export const isShow = (text: string | undefined): text is Show => text !== undefined && SHOWS.has(text)

/** What telephones read that know no `<show/>`. */
export const ACTIVITY_OF_SHOW: Readonly<Record<Show, 'away' | 'busy' | undefined>> = {
  chat: undefined,
  away: 'away',
  xa: 'away',
  dnd: 'busy',
}

/** Activities that say nothing of somebody's availability (playing, tv, working, other …) are not listed. */
export const SHOW_OF_ACTIVITY: ReadonlyMap<string, Show> = new Map<string, Show>([
  ['away', 'away'],
  ['in-transit', 'away'],
  ['meal', 'away'],
  ['breakfast', 'away'],
  ['lunch', 'away'],
  ['dinner', 'away'],
  ['shopping', 'away'],
  ['steering', 'away'],
  ['holiday', 'xa'],
  ['vacation', 'xa'],
  ['permanent-absence', 'xa'],
  ['sleeping', 'xa'],
  ['travel', 'xa'],
  ['busy', 'dnd'],
  ['meeting', 'dnd'],
  ['appointment', 'dnd'],
  ['presentation', 'dnd'],
  ['performance', 'dnd'],
  ['worship', 'dnd'],
  ['on-the-phone', 'dnd'],
])

/** `<extended/>` inside `<status/>`, as AG Projects' programs write it (SylkServer, Blink). */
export const SHOW_OF_EXTENDED: ReadonlyMap<string, Show> = new Map<string, Show>([
  ['away', 'away'],
  ['extended-away', 'xa'],
  ['busy', 'dnd'],
])

/** Notes that PBXs write where they have a state and no element for it (Asterisk, FreeSWITCH, Kamailio), in lower case. */
export const SHOW_OF_NOTE: ReadonlyMap<string, Show> = new Map<string, Show>([
  ['ringing', 'away'],
  ['on the phone', 'dnd'],
  ['on hold', 'dnd'],
  ['hold', 'dnd'],
  ['in use', 'dnd'],
  ['busy', 'dnd'],
  ['busy (dnd)', 'dnd'],
  ['do not disturb', 'dnd'],
  ['dnd', 'dnd'],
  ['away', 'away'],
  ['be right back', 'away'],
  ['out to lunch', 'away'],
  ['extended away', 'xa'],
  ['free for chat', 'chat'],
])

/** Notes that say in words no more than that somebody is there, or is not: no status for a person to read. */
export const NOTES_WITHOUT_NEWS: ReadonlySet<string> = new Set([
  'online',
  'open',
  'ready',
  'idle',
  'not in use',
  'available',
  'registered',
  'offline',
  'closed',
  'unavailable',
  'unregistered',
])

/** Of several activities the one that disturbs least. */
const STRONGEST: readonly Show[] = ['dnd', 'xa', 'away', 'chat']

export function strongest(shows: Iterable<Show>): Show | undefined {
  const all = new Set(shows)
  return STRONGEST.find((show) => all.has(show))
}
