/** The rooms of rosters and presence alone: sessions that only listen, and a core that writes down what goes out. */
import { type JoinedPresence, joinPresence } from '../../src/account/presence-rooms.ts'
import { type Session, Sessions } from '../../src/account/sessions.ts'
import { Jid } from '../../src/address/jid.ts'
import { OK } from '../../src/core/answer.ts'
import { uriFor } from '../../src/mapping/address.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { NS_CLIENT, Stanza } from '../../src/stanza/stanza.ts'
import { MemoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/port.ts'
import { type Element, el, type Node } from '../../src/xml/element.ts'
import { MAKING } from './making.ts'

export interface Listener extends Session {
  presence: Element | undefined
  readonly got: Element[]
}

export interface Household extends JoinedPresence {
  readonly store: Store
  readonly sessions: Sessions
  /** What went out through the core. */
  readonly sent: Stanza[]
  /** What reached an account and is told to who watches it by SIP. */
  readonly arrived: Stanza[]
  session(jid: string, state?: Partial<Pick<Listener, 'presence' | 'isInterested'>>): Listener
}

export function household(store: Store = new MemoryStore()): Household {
  const sessions = new Sessions()
  const sent: Stanza[] = []
  const arrived: Stanza[] = []
  const joined = joinPresence({
    store: store.rosters,
    sessions,
    making: MAKING,
    core: {
      submit(signal) {
        sent.push(toStanza(signal, MAKING))
        return OK
      },
    },
    watchers: { arrived: (stanza) => arrived.push(stanza) },
  })
  return {
    ...joined,
    store,
    sessions,
    sent,
    arrived,
    session(text, state = {}) {
      const jid = Jid.parse(text)
      const got: Element[] = []
      const session = {
        ...{ jid, uri: uriFor(jid), priority: 0, presence: undefined, isInterested: false, got, ...state },
        deliver: (xml: Element) => void got.push(xml),
        written: async () => {},
        end: () => {},
      }
      sessions.add(session)
      return session
    },
  }
}

export function presence(type: string, from: string, to: string, ...content: Node[]): Stanza {
  const xml = el('presence', NS_CLIENT, { from, to, type: type === 'available' ? undefined : type }, ...content)
  return new Stanza(xml, Jid.parse(from), Jid.parse(to))
}
