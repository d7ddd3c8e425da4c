/** One account's name and password towards its PBX: its requests carry digest credentials, its challenges are answered (RFC 3261 §22). */
import { schemesIn } from '../../sip/auth-params.ts'
import { parseCSeq } from '../../sip/cseq.ts'
import { bestChallenge, DigestAnswers } from '../../sip/digest-client.ts'
import { SipRequest, type SipResponse } from '../../sip/message.ts'

/** No challenge has it: nothing is answered any more. */
const FORGOTTEN = ' '

type Send = (request: SipRequest) => Promise<SipResponse>

/** A registrar asks with 401, a proxy with 407 (§22.2, §22.3). */
const ASKING: Readonly<Record<number, { readonly challenge: string; readonly credentials: string }>> = {
  401: { challenge: 'WWW-Authenticate', credentials: 'Authorization' },
  407: { challenge: 'Proxy-Authenticate', credentials: 'Proxy-Authorization' },
}

export class DigestSender {
  readonly #password: Buffer
  readonly #answers = new Map<string, DigestAnswers>()
  /** The realm of the PBX, as its registrar has said it: whoever else asks for the password behind it is told nothing. */
  #realm: string | undefined

  constructor(
    readonly username: string,
    password: string,
    readonly challengesMax: number,
  ) {
    this.#password = Buffer.from(password)
  }

  /** Whether the PBX has ever wanted to see the password. */
  get wasAsked(): boolean {
    return this.#realm !== undefined
  }

  /** Resolves with the final response; 401 or 407 only where the password does not fit, or the question is none of ours. */
  async send(request: SipRequest, send: Send): Promise<SipResponse> {
    const answered = new Set<string>()
    let { number } = parseCSeq(request.headers.get('CSeq') ?? '')
    for (let challenges = 0; ; challenges++) {
      const response = await send(this.#signed(request, number))
      const asking = ASKING[response.status]
      if (!asking || challenges >= this.challengesMax) return response
      const challenge = bestChallenge(response.headers.all(asking.challenge).flatMap(schemesIn))
      if (!challenge || !this.#mayAnswer(challenge.realm, request.method)) return response
      // The answer to a fresh question was refused: the password is wrong.
      if (answered.has(asking.credentials) && !challenge.isStale) return response
      answered.add(asking.credentials)
      this.#realm = challenge.realm
      this.#answers.set(asking.credentials, new DigestAnswers(challenge, this.username, this.#password.toString()))
      number++
    }
  }

  /** What comes goes to another address of the PBX, which may have a realm of its own. */
  moved(): void {
    if (this.#realm === FORGOTTEN) return
    this.#realm = undefined
    this.#answers.clear()
  }

  /** The password is overwritten; nothing is signed any more. */
  forget(): void {
    this.#password.fill(0)
    this.#answers.clear()
    this.#realm = FORGOTTEN
  }

  #mayAnswer(realm: string, method: string): boolean {
    return this.#realm === undefined ? method === 'REGISTER' : realm === this.#realm
  }

  #signed(request: SipRequest, cseq: number): SipRequest {
    const headers = request.headers.copy()
    headers.set('CSeq', `${cseq} ${request.method}`)
    for (const [field, answers] of this.#answers) headers.set(field, answers.answer(request.method, request.uri))
    return new SipRequest(request.method, request.uri, headers, request.body)
  }
}
