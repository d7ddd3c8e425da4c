/** XEP-0012: Last Activity. */
import { type Feature, request } from '../account/feature.ts'
import { StanzaError } from '../stanza/error.ts'
import { el } from '../xml/element.ts'

const NS = 'jabber:iq:last'

const UNKNOWN = new StanzaError('cancel', 'service-unavailable', 'It is not known when it was heard of')

export const lastActivity = (idleSeconds: () => number | undefined): Feature => ({
  xeps: [{ number: 12, name: 'Last Activity', version: '2.0' }],
  disco: [NS],
  iq: {
    [request('get', NS, 'query')]: () => {
      const seconds = idleSeconds()
      if (seconds === undefined) throw UNKNOWN
      return el('query', NS, { seconds: String(seconds) })
    },
  },
})
