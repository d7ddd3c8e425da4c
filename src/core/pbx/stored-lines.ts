/** Lines of accounts whose password towards the PBX is kept here: opened when the first session comes, and not given up where the PBX refuses. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'

export interface StoredLineRooms {
  /** Undefined where none is kept. */
  passwordOf(account: SipUri): Promise<string | undefined>
  hasSessions(aor: string): boolean
  open(account: SipUri, password: string): Promise<void>
  readonly refusedRetryMs: number
  readonly log: Log
}

export class StoredLines {
  /** Those that the PBX has refused, with the time of the next attempt. */
  readonly #refused = new Map<string, NodeJS.Timeout>()
  #isStopped = false

  constructor(readonly rooms: StoredLineRooms) {}

  /** Its first session is there. One that was refused waits for its time: sessions may come and go, and a PBX counts wrong passwords. */
  arrived(account: SipUri): void {
    if (this.#isStopped || this.#refused.has(account.aor)) return
    this.#open(account).catch((cause: unknown) => {
      const error = cause instanceof Error ? cause.stack : cause
      this.rooms.log.failure({ what: 'pbx_line_failed', account: account.bare.toString(), error })
    })
  }

  /** Its sessions go on, since it was not the PBX who let them in. */
  refused(account: SipUri): void {
    const { aor } = account
    this.forget(aor)
    if (this.#isStopped) return
    const again = setTimeout(() => {
      this.#refused.delete(aor)
      if (this.rooms.hasSessions(aor)) this.arrived(account)
    }, this.rooms.refusedRetryMs).unref()
    this.#refused.set(aor, again)
  }

  /** Another password, or no account any more: what was refused says nothing of it. */
  forget(aor: string): void {
    clearTimeout(this.#refused.get(aor))
    this.#refused.delete(aor)
  }

  stop(): void {
    this.#isStopped = true
    for (const aor of [...this.#refused.keys()]) this.forget(aor)
  }

  async #open(account: SipUri): Promise<void> {
    const password = await this.rooms.passwordOf(account)
    if (password !== undefined) return this.rooms.open(account, password)
    this.rooms.log.problem({ what: 'pbx_password_missing', account: account.bare.toString() })
  }
}
