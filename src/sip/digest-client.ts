/** Digest authentication as the side that is asked (RFC 3261 §22, RFC 7616, RFC 8760). */
import { parseAuthParams } from './auth-params.ts'
import { ALGORITHMS, algorithmNamed, type DigestAlgorithm, ha1, responseOf } from './digest-hash.ts'
import { newTag } from './identifier.ts'
import { SipSyntaxError } from './syntax-error.ts'

export interface Challenge {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  readonly opaque: string | undefined
  /** Whether `qop=auth` is offered. */
  readonly isCounted: boolean
  readonly isStale: boolean
}

/** The best we understand among the WWW-Authenticate or Proxy-Authenticate fields, in our order of algorithms. */
export function bestChallenge(fields: readonly string[]): Challenge | undefined {
  const understood = fields.map(readChallenge)
  for (const algorithm of ALGORITHMS) {
    const found = understood.find((one) => one?.algorithm === algorithm)
    if (found) return found
  }
  return undefined
}

function readChallenge(field: string): Challenge | undefined {
  try {
    const { scheme, params } = parseAuthParams(field)
    const [realm, nonce] = [params.get('realm'), params.get('nonce')]
    const algorithm = algorithmNamed(params.get('algorithm'))
    if (scheme !== 'digest' || realm === undefined || nonce === undefined || algorithm === undefined) return undefined
    const offered = params.get('qop')
    const isCounted = offered?.split(',').some((one) => one.trim().toLowerCase() === 'auth') ?? false
    if (offered !== undefined && !isCounted) return undefined // auth-int alone
    return { realm, nonce, algorithm, opaque: params.get('opaque'), isCounted, isStale: params.get('stale')?.toLowerCase() === 'true' }
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return undefined
    throw cause
  }
}

/** Answers one challenge as often as it is good for; the count goes up with each request. */
export class DigestAnswers {
  readonly challenge: Challenge
  readonly #username: string
  readonly #ha1: string
  readonly #newCnonce: () => string
  #count = 0

  constructor(challenge: Challenge, username: string, password: string, newCnonce: () => string = newTag) {
    this.challenge = challenge
    this.#username = username
    this.#ha1 = ha1(challenge.algorithm, username, challenge.realm, password)
    this.#newCnonce = newCnonce
  }

  /** The value of Authorization or Proxy-Authorization for this request. */
  answer(method: string, uri: string): string {
    const { realm, nonce, algorithm, opaque, isCounted } = this.challenge
    this.#count++
    const counted = isCounted ? { cnonce: this.#newCnonce(), nc: this.#count.toString(16).padStart(8, '0') } : undefined
    const response = responseOf(this.#ha1, { algorithm, method, uri, nonce, counted })
    const parts = [
      `username="${escaped(this.#username)}"`,
      `realm="${escaped(realm)}"`,
      `nonce="${escaped(nonce)}"`,
      `uri="${uri}"`,
      `response="${response}"`,
      `algorithm=${algorithm}`,
    ]
    if (counted) parts.push(`cnonce="${counted.cnonce}"`, 'qop=auth', `nc=${counted.nc}`)
    if (opaque !== undefined) parts.push(`opaque="${escaped(opaque)}"`)
    return `Digest ${parts.join(', ')}`
  }
}

function escaped(text: string): string {
  return text.replace(/["\\]/g, '\\$&')
}
