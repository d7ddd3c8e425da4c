/** A PBX of the tests: a registrar that asks for passwords, and a proxy that forks to every contact of an extension. */
import { randomBytes } from 'node:crypto'
import { deriveCredentials } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import { Authenticator } from '../../src/core/authenticator.ts'
import { KnownHashes } from '../../src/core/known-hashes.ts'
import { Registrations } from '../../src/core/location.ts'
import { RefusedError } from '../../src/core/port.ts'
import { REGISTRAR_DEFAULTS, Registrar } from '../../src/core/registrar.ts'
import { silent } from '../../src/log/log.ts'
import { Digest } from '../../src/sip/digest.ts'
import { response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'
import { type Listening, NoResponseError, type Received, type SipStack } from '../../src/sip/port.ts'
import { MemoryStore } from '../../src/store/memory.ts'

export interface PbxOptions {
  readonly domain: string
  /** Its extensions and their passwords. */
  readonly passwords: Readonly<Record<string, string>>
  /** Takes who comes from wherever, as a PBX does that trusts an address. */
  readonly asksNobody?: boolean
  readonly minExpiresSeconds?: number
}

export class PbxParty {
  /** Everything that came, in order. */
  readonly requests: SipRequest[] = []
  /** Refuses every REGISTER with it. */
  refusesWith: number | undefined
  /** What each contact said to the last request that was forked. */
  answers: readonly SipResponse[] = []
  listening: readonly Listening[] = []
  readonly registrations = new Registrations(() => Date.now())
  readonly #registrar: Registrar
  readonly #authenticator: Authenticator
  readonly #awaiting = new Set<() => void>()

  private constructor(
    readonly stack: SipStack,
    readonly options: PbxOptions,
  ) {
    const { domain, minExpiresSeconds = 1 } = options
    const now = (): number => Date.now()
    this.#registrar = new Registrar(
      this.registrations,
      new MemoryStore().bindings,
      { ...REGISTRAR_DEFAULTS, minExpiresSeconds },
      now,
      silent,
    )
    const hashesOf = async ({ user = '' }: SipUri) => {
      const password = options.passwords[user]
      if (password === undefined) return undefined
      return (await deriveCredentials(Jid.parse(`${user}@${domain}`), password, { telephones: true, rounds: 4_096 })).sip
    }
    this.#authenticator = new Authenticator(new KnownHashes(hashesOf, now), new Digest(randomBytes(32), now), silent)
  }

  static async on(stack: SipStack, options: PbxOptions): Promise<PbxParty> {
    const party = new PbxParty(stack, options)
    party.listening = await stack.start((received) => party.#serve(received))
    return party
  }

  contactsOf(user: string): readonly string[] {
    return this.registrations.bindingsOf(SipUri.of(user, this.options.domain).aor).map(({ contact }) => contact.toString())
  }

  /** As after a restart. */
  forgetEverybody(): void {
    for (const user of Object.keys(this.options.passwords)) this.registrations.replace(SipUri.of(user, this.options.domain).aor, [])
  }

  /** Resolves when something has come that makes it true. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#awaiting.add(resolve))
  }

  stop(): Promise<void> {
    return this.stack.stop(0)
  }

  async #serve(received: Received): Promise<SipResponse> {
    try {
      return await this.#answer(received)
    } catch (cause) {
      if (cause instanceof RefusedError) return response(cause.status, cause.reason, cause.headers)
      throw cause
    } finally {
      setImmediate(() => {
        for (const look of this.#awaiting) look()
        this.#awaiting.clear()
      })
    }
  }

  async #answer(received: Received): Promise<SipResponse> {
    const { request, from } = received
    this.requests.push(request)
    const { method, headers } = request
    const uri = SipUri.parse(request.uri)
    if (method === 'OPTIONS' && uri.user === undefined) return response(200)
    const isRegister = method === 'REGISTER'
    const claimed = SipUri.parse(parseNameAddr(headers.get(isRegister ? 'To' : 'From') ?? '').uri).bare
    if (isRegister && this.refusesWith !== undefined) return response(this.refusesWith)
    if (!this.options.asksNobody && claimed.host === this.options.domain) {
      const proof = await this.#authenticator.check(request, claimed, isRegister ? 'registrar' : 'proxy', from.host)
      if (proof) return proof
    }
    return isRegister ? this.#registrar.register(received, claimed) : this.fork(request, uri)
  }

  /** To every contact of the extension at once; the first 2xx, else the first refusal. */
  async fork(request: SipRequest, uri: SipUri): Promise<SipResponse> {
    const bindings = this.registrations.bindingsOf(uri.aor)
    if (bindings.length === 0) return response(404)
    const headers = request.headers.copy()
    headers.remove('Proxy-Authorization')
    headers.set('Max-Forwards', String(Number(headers.get('Max-Forwards')) - 1))
    this.answers = await Promise.all(
      bindings.map(async ({ contact, hop }) => {
        try {
          return await this.stack.send(new SipRequest(request.method, contact.toString(), headers.copy(), request.body), hop)
        } catch (cause) {
          if (cause instanceof NoResponseError) return response(408)
          throw cause
        }
      }),
    )
    const best = this.answers.find(({ status }) => status < 300) ?? this.answers[0]
    return response(best?.status ?? 500)
  }
}
