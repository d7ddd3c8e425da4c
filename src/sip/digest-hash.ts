/** The hashes of digest authentication (RFC 7616 §3.4.1, RFC 8760). */
import { hash } from 'node:crypto'

/** In the order in which they are offered: the better first (RFC 8760 §2.4). */
export const ALGORITHMS = ['SHA-256', 'MD5'] as const
export type DigestAlgorithm = (typeof ALGORITHMS)[number]

const NODE_NAME: Record<DigestAlgorithm, string> = { 'SHA-256': 'sha256', MD5: 'md5' }

export interface Response {
  readonly algorithm: DigestAlgorithm
  readonly method: string
  readonly uri: string
  readonly nonce: string
  /** Absent: the short form of RFC 2069, which RFC 3261 §22.4 still wants understood. */
  readonly counted?: { readonly cnonce: string; readonly nc: string } | undefined
}

/** What an account keeps instead of its password. */
export function ha1(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hash(NODE_NAME[algorithm], `${username}:${realm}:${password}`)
}

export function responseOf(secret: string, { algorithm, method, uri, nonce, counted }: Response): string {
  const name = NODE_NAME[algorithm]
  const ha2 = hash(name, `${method}:${uri}`)
  const middle = counted ? `${nonce}:${counted.nc}:${counted.cnonce}:auth` : nonce
  return hash(name, `${secret}:${middle}:${ha2}`)
}

/** The algorithm that this parameter names; none means MD5 (RFC 7616 §3.3). */
export function algorithmNamed(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined) return 'MD5'
  return ALGORITHMS.find((one) => one === name.toUpperCase())
}
