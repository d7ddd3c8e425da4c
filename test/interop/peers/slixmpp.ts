/** slixmpp (Debian: python3-slixmpp), an XMPP client library for Python. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MissingProgramError } from './program.ts'
import { type Login, XmppPeer } from './xmpp-peer.ts'

// Debian's own interpreter: another python3 earlier in the PATH does not see Debian's modules.
const PYTHON = '/usr/bin/python3'
const MODULE = '/usr/lib/python3/dist-packages/slixmpp'
const SCRIPT = fileURLToPath(new URL('./slixmpp-peer.py', import.meta.url))

export function slixmpp(login: Login): XmppPeer {
  if (!existsSync(MODULE)) throw new MissingProgramError('slixmpp', 'python3-slixmpp')
  return new XmppPeer({ command: PYTHON, args: ['-u', SCRIPT], package: 'python3-slixmpp', name: 'slixmpp' }, login)
}
