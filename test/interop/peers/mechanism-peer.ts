/** One login of a library nobody here wrote, with the mechanism a test names: slixmpp, aioxmpp (Python) and Net::XMPP (Perl). */
import { fileURLToPath } from 'node:url'
import { Program } from './program.ts'
import type { Login } from './xmpp-peer.ts'

// Debian's own interpreter: another python3 earlier in the PATH does not see Debian's modules.
const PYTHON = '/usr/bin/python3'
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export interface LoginOutcome {
  /** Where it went well: the full address. */
  readonly jid?: string
  readonly mechanism?: unknown
  /** Where it did not. */
  readonly condition?: string
}

export interface MechanismOptions {
  readonly library: 'slixmpp' | 'aioxmpp'
  /** Absent: the library's own choice. */
  readonly mechanism?: string
  /** Channel binding data that are not those of the channel. */
  readonly binding?: string
  /** The client's own certificate and its key, as files. */
  readonly certfile?: string
  readonly keyfile?: string
}

export async function loginBy(options: MechanismOptions, login: Login): Promise<LoginOutcome> {
  const args = ['-u', script('./mechanism-peer.py'), JSON.stringify({ ...login, ...options })]
  const program = Program.start({ command: PYTHON, args, package: `python3-${options.library}`, name: options.library })
  const line = await program.line(/^\{/, 30_000)
  await program.end(20_000)
  const outcome: LoginOutcome = JSON.parse(line)
  return outcome
}

/** By jabber:iq:auth; answers `ok` or the number of the error. */
export async function netXmpp(login: Login, domain: string): Promise<string> {
  const user = login.jid.slice(0, login.jid.indexOf('@'))
  const args = [script('./net-xmpp-peer.pl'), login.host, String(login.port), domain, user, login.password]
  const program = Program.start({ command: 'perl', args, package: 'libnet-xmpp-perl', name: 'Net::XMPP' })
  const line = await program.line(/^(?:ok|\d{3})\b/, 20_000)
  await program.end()
  return line.trim().split(' ')[0] ?? ''
}
