/** One attempt to log in on a stream, however it is spelt: SASL (RFC 6120 §6), SASL2 (XEP-0388) or jabber:iq:auth (XEP-0078). */
import type { ClientStream } from '../c2s.ts'
import { placeOf } from '../networks.ts'
import { AccountLogin } from '../sasl/logins.ts'
import type { Mechanism } from '../sasl/mechanism.ts'
import { offered } from '../sasl/mechanisms.ts'

/** What may be used on this stream now. */
export function mechanismsOf({ connection, domain, jid }: ClientStream): readonly Mechanism[] {
  return domain && jid === undefined ? offered(domain, connection.isSecure, connection.binding) : []
}

export function newLogin(stream: ClientStream): AccountLogin {
  const { connection, domain, rooms } = stream
  return new AccountLogin(
    rooms.logins,
    domain?.name ?? '',
    placeOf(connection.remote.address),
    connection.binding,
    mechanismsOf(stream).some(({ plus }) => plus),
    () => connection.log,
  )
}
