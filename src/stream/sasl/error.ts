/** SASL failures (RFC 6120 §6.5): thrown by a mechanism, written as `<failure/>` by the stream. */

export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure'

export class SaslError extends Error {
  constructor(
    readonly condition: SaslCondition,
    /** A sentence a person understands; the same for an unknown name and a wrong password. */
    readonly text: string,
  ) {
    super(text)
    this.name = 'SaslError'
  }
}

/** One text for everything a guesser must not tell apart (RFC 6120 §6.5.10). */
export const wrongCredentials = (): SaslError => new SaslError('not-authorized', 'The user name or the password is wrong')
