/** Which accounts are registered at the PBX through us: no more than it was agreed to take. */
import { SipUri, SipUriError } from '../../address/sip-uri.ts'
import type { SipRequest } from '../message.ts'
import { parseNameAddr } from '../name-addr.ts'
import { parseDeltaSeconds } from '../number.ts'
import { SipSyntaxError } from '../syntax-error.ts'

/** RFC 3261 §10.2.1.1: what a REGISTER without Expires may get. */
const USUAL_SECONDS = 3_600

/** A REGISTER on its way: what its outcome says of the account. */
export interface Registering {
  readonly aor: string
  readonly seconds: number
  /** It was not registered before. */
  readonly isNew: boolean
}

export class Registered {
  readonly #max: number
  readonly #now: () => number
  /** By address-of-record: until when. */
  readonly #until = new Map<string, number>()

  constructor(max: number, now: () => number) {
    this.#max = max
    this.#now = now
  }

  get size(): number {
    this.#sweep()
    return this.#until.size
  }

  /** Undefined where there is no room for one more account. Throws where its To is no SIP address. */
  begin(request: SipRequest): Registering | undefined {
    const { aor } = accountOf(request)
    const seconds = parseDeltaSeconds(request.headers.get('Expires') ?? '') ?? USUAL_SECONDS
    const isNew = !this.#until.has(aor)
    if (isNew && seconds > 0) {
      if (this.#until.size >= this.#max) this.#sweep()
      if (this.#until.size >= this.#max) return undefined
      this.#until.set(aor, this.#now() + seconds * 1_000)
    }
    return { aor, seconds, isNew }
  }

  /** `status`: of the final response; undefined where there was none. */
  end({ aor, seconds, isNew }: Registering, status: number | undefined): void {
    const isAccepted = status !== undefined && status < 300
    if (seconds === 0 || (isNew && !isAccepted)) this.#until.delete(aor)
    else if (isAccepted) this.#until.set(aor, this.#now() + seconds * 1_000)
  }

  #sweep(): void {
    const now = this.#now()
    for (const [aor, until] of this.#until) if (until <= now) this.#until.delete(aor)
  }
}

function accountOf({ headers }: SipRequest): SipUri {
  try {
    return SipUri.parse(parseNameAddr(headers.get('To') ?? '').uri)
  } catch (cause) {
    if (cause instanceof SipUriError || cause instanceof SipSyntaxError) throw new Error(`a REGISTER for nobody: ${cause.message}`)
    throw cause
  }
}
