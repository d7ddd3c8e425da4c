/** @xmpp/client (npm), an XMPP client library for JavaScript. */
import { fileURLToPath } from 'node:url'
import { type Login, XmppPeer } from './xmpp-peer.ts'

const SCRIPT = fileURLToPath(new URL('./xmpp-client-peer.mjs', import.meta.url))

/** A process of its own, because the certificate to trust is read once, when Node starts. */
export function xmppClient(login: Login): XmppPeer {
  const env = { NODE_EXTRA_CA_CERTS: login.certificate, NODE_OPTIONS: undefined }
  return new XmppPeer({ command: process.execPath, args: [SCRIPT], env, package: 'nodejs', name: '@xmpp/client' }, login)
}
