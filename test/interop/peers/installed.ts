/** Which real programs are here. One that is missing fails its tests with the name of its Debian package; STOXGATE_INTEROP_SKIP_MISSING=1 skips them. */
import { existsSync } from 'node:fs'
import { hasPresenceModules, hasTlsModule, hasWebSocketModule } from './kamailio.ts'
import { isInstalled } from './program.ts'

const PROGRAMS = {
  biboumi: () => isInstalled('biboumi'),
  aioxmpp: () => existsSync('/usr/lib/python3/dist-packages/aioxmpp'),
  gsasl: () => isInstalled('gsasl'),
  'net-xmpp': () => existsSync('/usr/share/perl5/Net/XMPP.pm'),
  slixmpp: () => existsSync('/usr/lib/python3/dist-packages/slixmpp'),
  profanity: () => isInstalled('profanity') && isInstalled('tmux'),
  'go-sendxmpp': () => isInstalled('go-sendxmpp'),
  baresip: () => isInstalled('baresip'),
  linphonec: () => isInstalled('linphonec'),
  kamailio: () => existsSync('/usr/sbin/kamailio'),
  'kamailio-presence': hasPresenceModules,
  'kamailio-tls': hasTlsModule,
  'kamailio-websocket': hasWebSocketModule,
  prosody: () => existsSync('/usr/bin/prosody') && existsSync('/usr/share/doc/lua-unbound'),
  sipp: () => isInstalled('sipp'),
  sipsak: () => isInstalled('sipsak'),
  sipvicious: () => isInstalled('svwar'),
  tshark: () => isInstalled('tshark'),
} as const

export type Peer = keyof typeof PROGRAMS

/** Whether a test that needs these is skipped. */
export function lacks(...peers: readonly Peer[]): boolean {
  return process.env.STOXGATE_INTEROP_SKIP_MISSING === '1' && !peers.every((peer) => PROGRAMS[peer]())
}
