/** A stream becomes a session of its account under a full address: what RFC 6120 §7, XEP-0078 and XEP-0386 have in common. */
import type { Jid } from '../../address/jid.ts'
import { uriFor } from '../../mapping/address.ts'
import type { ClientStream } from '../c2s.ts'
import { BoundSession } from '../client-session.ts'

/** Undefined where the account has too many sessions already. */
export function bind(stream: ClientStream, jid: Jid): BoundSession | undefined {
  const { connection, rooms, lang } = stream
  const { sessions, limits } = rooms
  // The newer wins (§7.7.2.2, third choice): it is nearly always the same device, whose old connection is dead and has not been noticed yet.
  sessions.find(jid)?.end('conflict', 'A newer connection has taken this resource')
  const uri = uriFor(jid)
  if (sessions.sessionsOf(uri.aor).length >= limits.sessionsPerAccount) return undefined
  const session = new BoundSession(connection, rooms, jid, uri, lang)
  sessions.add(session)
  connection.talkWith(session)
  connection.settled()
  connection.log.major({ what: 'session_bound', jid: jid.toString() })
  return session
}
