/** XMPP libraries for browsers, over WebSocket or BOSH: @xmpp/client, Strophe.js and stanza (npm). */
import { fileURLToPath } from 'node:url'
import type { Gateway } from './gateway.ts'
import { XmppPeer } from './xmpp-peer.ts'

const SCRIPT = fileURLToPath(new URL('./web-peer.mjs', import.meta.url))

export type Library = '@xmpp/client' | 'strophe.js' | 'stanza'
export type Way = 'WebSocket' | 'BOSH'

/** Under TLS, to the name that the certificate has. */
export function serviceOf(gateway: Gateway, way: Way): string {
  const place = `${gateway.domain}:${gateway.port('https')}`
  return way === 'WebSocket' ? `wss://${place}/xmpp-websocket` : `https://${place}/http-bind`
}

/** A process of its own, because the certificate to trust is read once, when Node starts. */
export function webPeer(gateway: Gateway, library: Library, way: Way, user: string, resource: string, password?: string): XmppPeer {
  const login = gateway.login(user, resource, gateway.port('https'))
  const env = { NODE_EXTRA_CA_CERTS: login.certificate, NODE_OPTIONS: undefined }
  const args = [SCRIPT, library, serviceOf(gateway, way)]
  const invocation = { command: process.execPath, args, env, package: 'nodejs', name: `${library} over ${way}` }
  return new XmppPeer(invocation, password === undefined ? login : { ...login, password })
}
