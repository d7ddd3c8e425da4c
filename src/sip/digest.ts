/** Digest authentication as the side that asks (RFC 3261 §22, RFC 7616, RFC 8760): challenges, and whether the answer to one is right. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { parseAuthParams } from './auth-params.ts'
import { ALGORITHMS, algorithmNamed, type DigestAlgorithm, responseOf } from './digest-hash.ts'
import { NonceCounts } from './nonce-counts.ts'
import { SipSyntaxError } from './syntax-error.ts'

export interface DigestSettings {
  /**
   * Those that are offered, in this order (RFC 8760 §2.4). Some telephones give up at a challenge with a name they do not know, wherever it stands, and
   * others read the first challenge only: who has such telephones offers MD5 alone.
   */
  readonly algorithms: readonly DigestAlgorithm[]
  /** How long a nonce may be used: long enough for a telephone's next refresh, so that it is not asked each time. */
  readonly nonceSeconds: number
  /** Nonces whose use is counted; above it the oldest are not accepted any more. */
  readonly noncesMax: number
}

export const defaultDigest: DigestSettings = { algorithms: ALGORITHMS, nonceSeconds: 300, noncesMax: 50_000 }

/** What a request says of who sent it. Not checked yet. */
export interface Claim {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: DigestAlgorithm
  readonly counted: { readonly cnonce: string; readonly nc: string } | undefined
}

/** `stale`: the password is right, the nonce is not: ask once more, and the telephone answers without its user. */
export type Verdict = 'right' | 'stale' | 'wrong'

/** The claim for that realm among the Authorization or Proxy-Authorization fields; undefined where there is none that can be read. */
export function claimFor(realm: string, fields: readonly string[]): Claim | undefined {
  for (const field of fields) {
    const claim = readClaim(field)
    if (claim?.realm === realm) return claim
  }
  return undefined
}

function readClaim(field: string): Claim | undefined {
  try {
    const { scheme, params } = parseAuthParams(field)
    const [username, realm, nonce] = [params.get('username'), params.get('realm'), params.get('nonce')]
    const [uri, response] = [params.get('uri'), params.get('response')]
    const algorithm = algorithmNamed(params.get('algorithm'))
    if (scheme !== 'digest' || algorithm === undefined) return undefined
    if (username === undefined || realm === undefined || nonce === undefined || uri === undefined || response === undefined)
      return undefined
    const counted = countedOf(params)
    return counted === 'malformed' ? undefined : { username, realm, nonce, uri, response, algorithm, counted }
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return undefined // RFC 4475 §3.3.7: what is not understood is as good as absent
    throw cause
  }
}

function countedOf(params: ReadonlyMap<string, string>): Claim['counted'] | 'malformed' {
  const qop = params.get('qop')
  if (qop === undefined) return undefined
  const [cnonce, nc] = [params.get('cnonce'), params.get('nc')]
  // auth-int is not offered.
  if (qop.toLowerCase() !== 'auth' || cnonce === undefined || nc === undefined || !/^[0-9a-f]{8}$/i.test(nc)) return 'malformed'
  return { cnonce, nc }
}

/** Nonces carry their own time and proof, so that challenging strangers costs no memory. */
export class Digest {
  readonly #secret: Buffer
  readonly #settings: DigestSettings
  readonly #now: () => number
  readonly #counts: NonceCounts

  /** `now`: milliseconds. A nonce of another secret is stale. */
  constructor(secret: Buffer, now: () => number, settings: DigestSettings = defaultDigest) {
    this.#secret = secret
    this.#now = now
    this.#settings = settings
    this.#counts = new NonceCounts(settings.noncesMax)
  }

  /** One value for each algorithm, the better first, each for a field of its own (RFC 8760 §2.4). */
  challenge(realm: string, stale = false): string[] {
    const nonce = this.#newNonce(realm)
    const staleness = stale ? ', stale=true' : ''
    const quoted = realm.replace(/["\\]/g, '\\$&')
    return this.#settings.algorithms.map(
      (algorithm) => `Digest realm="${quoted}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"${staleness}`,
    )
  }

  /**
   * `ha1` of the claim's user, realm and algorithm; undefined where nobody has that name, which takes as long as a wrong password. The claim's uri is
   * not compared with the Request-URI: proxies between change that, and a counted nonce cannot be used for another request.
   */
  check(claim: Claim, method: string, ha1: string | undefined): Verdict {
    const { algorithm, uri, nonce, counted } = claim
    const expected = responseOf(ha1 ?? 'nobody', { algorithm, method, uri, nonce, counted })
    // What was not offered is not taken either, or a man in the middle could choose.
    const isRight = this.#settings.algorithms.includes(algorithm) && isEqual(expected, claim.response.toLowerCase())
    if (ha1 === undefined || !isRight) return 'wrong'
    const issued = this.#issuedAt(nonce, claim.realm)
    if (issued === undefined || this.#now() - issued > this.#settings.nonceSeconds * 1_000) return 'stale'
    // Without a count nothing tells a repetition from an answer, which is the weakness of the old form.
    if (counted && !this.#counts.use(nonce, issued, Number.parseInt(counted.nc, 16))) return 'stale'
    return 'right'
  }

  #newNonce(realm: string): string {
    const time = this.#now().toString(36)
    const salt = randomBytes(9).toString('base64url')
    return `${time}.${salt}.${this.#proof(time, salt, realm)}`
  }

  #issuedAt(nonce: string, realm: string): number | undefined {
    const [time = '', salt = '', proof = '', more] = nonce.split('.')
    if (more !== undefined || !isEqual(this.#proof(time, salt, realm), proof)) return undefined
    return Number.parseInt(time, 36)
  }

  #proof(time: string, salt: string, realm: string): string {
    return createHmac('sha256', this.#secret).update(`${time}.${salt}.${realm}`).digest('base64url').slice(0, 22)
  }
}

function isEqual(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
