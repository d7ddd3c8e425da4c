/** XEP-0199: XMPP Ping. Whoever is asked is there; an empty result is all a ping wants. */
import { type Feature, request } from '../account/feature.ts'

const NS = 'urn:xmpp:ping'

export const ping: Feature = {
  xeps: [{ number: 199, name: 'XMPP Ping', version: '2.0.1' }],
  disco: [NS],
  iq: { [request('get', NS, 'ping')]: () => undefined },
}
