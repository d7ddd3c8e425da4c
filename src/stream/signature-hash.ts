/** The hash that tls-server-end-point takes of a certificate: that of its signature, and SHA-256 for MD5 and SHA-1 (RFC 5929 §4.1). */
import { field } from './der.ts'

/** signatureAlgorithm by its object identifier in hexadecimal (RFC 3279, 4055, 5758); what hashes by itself has none. */
const HASH_OF_SIGNATURE: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'sha256', // md5WithRSAEncryption
  '2a864886f70d010105': 'sha256', // sha1WithRSAEncryption
  '2a864886f70d01010e': 'sha224', // sha224WithRSAEncryption
  '2a864886f70d01010b': 'sha256', // sha256WithRSAEncryption
  '2a864886f70d01010c': 'sha384', // sha384WithRSAEncryption
  '2a864886f70d01010d': 'sha512', // sha512WithRSAEncryption
  '2a8648ce3d0401': 'sha256', // ecdsa-with-SHA1
  '2a8648ce3d040301': 'sha224', // ecdsa-with-SHA224
  '2a8648ce3d040302': 'sha256', // ecdsa-with-SHA256
  '2a8648ce3d040303': 'sha384', // ecdsa-with-SHA384
  '2a8648ce3d040304': 'sha512', // ecdsa-with-SHA512
}
const RSASSA_PSS = '2a864886f70d01010a'
/** hashAlgorithm inside RSASSA-PSS parameters; SHA-1 is the default (RFC 4055 §3.1). */
const HASH: Readonly<Record<string, string>> = {
  '2b0e03021a': 'sha256', // id-sha1
  '608648016503040204': 'sha224',
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
}

/** By the name node:crypto knows it; undefined where the rule gives none (Ed25519, Ed448, a signature nobody here has heard of). */
export function signatureHash(certificate: Buffer): string | undefined {
  // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OID, parameters }, signature }
  const outer = field(certificate, 0)
  const toBeSigned = outer && field(certificate, outer.start)
  const algorithm = toBeSigned && field(certificate, toBeSigned.end)
  const oid = algorithm && field(certificate, algorithm.start)
  if (!oid) return undefined
  const name = certificate.toString('hex', oid.start, oid.end)
  if (name !== RSASSA_PSS) return HASH_OF_SIGNATURE[name]
  // RSASSA-PSS-params ::= SEQUENCE { [0] { SEQUENCE { OID … } } … }
  const parameters = field(certificate, oid.end)
  const first = parameters && field(certificate, parameters.start)
  if (first?.tag !== 0xa0) return 'sha256'
  const inner = field(certificate, first.start)
  const hash = inner && field(certificate, inner.start)
  return hash && HASH[certificate.toString('hex', hash.start, hash.end)]
}
