/** RFC 6121 §2: the list of contacts, with the versions that were XEP-0237: Roster Versioning. */
import { type Feature, request } from '../account/feature.ts'
import type { Roster } from '../account/roster.ts'
import { itemOf, NS_ROSTER, wantedIn } from '../account/roster-item.ts'
import type { Rosters } from '../account/rosters.ts'
import type { Sessions } from '../account/sessions.ts'
import type { Subscribing } from '../account/subscribing.ts'
import { StanzaError } from '../stanza/error.ts'
import { type Element, el } from '../xml/element.ts'

type MaybePromise<T> = T | Promise<T>

export interface RosterRooms {
  readonly rosters: Rosters
  readonly sessions: Sessions
  readonly subscribing: Subscribing
}

export const roster = ({ rosters, sessions, subscribing }: RosterRooms): Feature => ({
  xeps: [{ number: 237, name: 'Roster Versioning', version: '1.3' }],
  disco: [],
  iq: {
    [request('get', NS_ROSTER, 'query')]: (iq, query) => {
      if (query.elements().length > 0) throw new StanzaError('modify', 'bad-request', 'Whoever asks for the list names nobody')
      const answer = (loaded: Roster): Element | undefined => {
        const session = sessions.find(iq.from)
        if (session) session.isInterested = true
        return queryOf(loaded, query.attr('ver'))
      }
      const loaded = rosters.of(iq.from)
      return loaded instanceof Promise ? loaded.then(answer) : answer(loaded)
    },
    [request('set', NS_ROSTER, 'query')]: (iq, query): MaybePromise<undefined> => {
      const { jid, name, groups, remove } = wantedIn(query)
      const done = remove ? subscribing.remove(iq.from, jid) : subscribing.describe(iq.from, jid, name, groups)
      return done instanceof Promise ? done.then(() => undefined) : undefined
    },
  },
})

/** §2.6.3: who has this version already is told nothing; whoever has another one, all. */
function queryOf({ version, contacts }: Roster, known: string | undefined): Element | undefined {
  const ver = String(version)
  if (known === ver) return undefined
  const items: Element[] = []
  for (const { stored } of contacts) if (stored.listed) items.push(itemOf(stored))
  return el('query', NS_ROSTER, { ver }, ...items)
}
