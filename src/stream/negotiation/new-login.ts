/** One attempt to log in on a stream, however it is spelt: SASL (RFC 6120 §6), SASL2 (XEP-0388) or jabber:iq:auth (XEP-0078). */
import type { Jid } from '../../address/jid.ts'
import type { ClientStream } from '../c2s.ts'
import { placeOf } from '../networks.ts'
import { accountsOf } from '../sasl/client-certificates.ts'
import { AccountLogin } from '../sasl/logins.ts'
import type { Mechanism } from '../sasl/mechanism.ts'
import { offered } from '../sasl/mechanisms.ts'

/** What may be used on this stream now. */
export function mechanismsOf(stream: ClientStream): readonly Mechanism[] {
  const { connection, domain, jid } = stream
  if (!domain || jid !== undefined) return []
  return offered(domain, connection.isSecure, connection.binding, certifiedOn(stream).length > 0)
}

export function newLogin(stream: ClientStream): AccountLogin {
  const { connection, domain, rooms } = stream
  return new AccountLogin(
    rooms.logins,
    domain?.name ?? '',
    placeOf(connection.remote.address),
    connection.binding,
    mechanismsOf(stream).some(({ plus }) => plus),
    certifiedOn(stream),
    () => connection.log,
  )
}

/** Whose certificate it is, as this domain sees it. */
function certifiedOn({ connection, domain }: ClientStream): readonly Jid[] {
  if (!domain?.clientCertificates || !domain.mechanisms.includes('EXTERNAL')) return []
  const certificate = connection.peerCertificate
  return certificate ? accountsOf(certificate, domain.name, domain.clientCertificates) : []
}
