/** XEP-0106: JID Escaping. What SIP allows in a user and XMPP does not travels escaped; clients that know it show the address as it is meant. */
import type { Feature } from '../account/feature.ts'

export const jidEscaping: Feature = {
  xeps: [{ number: 106, name: 'JID Escaping', version: '1.1.1' }],
  disco: ['jid\\20escaping'],
  iq: {},
}
