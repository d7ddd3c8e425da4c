/** The SASL mechanisms we speak, strongest first, and which of them a stream offers (RFC 6120 §6.3.3, §6.3.4). */

import type { ClientCertificates } from './client-certificates.ts'
import { cramMd5 } from './cram-md5.ts'
import { digestMd5 } from './digest-md5.ts'
import { external } from './external.ts'
import { login } from './login.ts'
import type { ChannelBinding, Mechanism } from './mechanism.ts'
import { plain } from './plain.ts'
import { scram } from './scram.ts'

export const MECHANISMS: readonly Mechanism[] = [
  external,
  scram('SHA-512', true),
  scram('SHA-512', false),
  scram('SHA-256', true),
  scram('SHA-256', false),
  scram('SHA-1', true),
  scram('SHA-1', false),
  digestMd5(),
  cramMd5(),
  plain,
  login,
]

/** What a domain has to say about logging in. */
export interface LoginPolicy {
  /** Names in the order in which they are offered; a name we do not speak is skipped. */
  readonly mechanisms: readonly string[]
  /** No mechanism at all before TLS. */
  readonly requireTls: boolean
  /** What EXTERNAL goes by. */
  readonly clientCertificates?: ClientCertificates | undefined
}

/** What a stream may use now: nothing in the clear where TLS is required, -PLUS only where there is something to bind to, EXTERNAL only for a certificate's owner. */
export function offered(
  policy: LoginPolicy,
  secure: boolean,
  binding: ChannelBinding | undefined,
  isCertified = false,
): readonly Mechanism[] {
  if (policy.requireTls && !secure) return []
  const bindable = (binding?.types.length ?? 0) > 0
  return policy.mechanisms
    .map(named)
    .filter(
      (mechanism) => mechanism !== undefined && (bindable || !mechanism.plus) && (isCertified || mechanism !== external),
    ) as Mechanism[]
}

export function named(name: string): Mechanism | undefined {
  return MECHANISMS.find((mechanism) => mechanism.name === name)
}
