/** XEP-0199: XMPP Ping. Whoever is asked is there; an empty result is all a ping wants. */
import { type Feature, request } from '../account/feature.ts'

const NS = 'urn:xmpp:ping'

export const ping: Feature = pingOf(() => undefined)

/** Of somebody who has to be asked whether he is. */
export function pingOf(alive: () => Promise<undefined> | undefined): Feature {
  return {
    xeps: [{ number: 199, name: 'XMPP Ping', version: '2.0.1' }],
    disco: [NS],
    iq: { [request('get', NS, 'ping')]: alive },
  }
}
