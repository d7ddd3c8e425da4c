/** How often somebody may be wrong, over all streams (RFC 6120 §13.12, XEP-0205 §3.5). Bounded: what was heard of first is forgotten first. */
import { createHash } from 'node:crypto'
import type { GuessLimits } from '../limits.ts'

interface Row {
  failures: number
  pending: number
  /** Milliseconds at which the window of these failures began. */
  since: number
}

export type Outcome = 'succeeded' | 'failed' | 'dropped'

export class Guesses {
  readonly #accounts = new Map<string, Row>()
  readonly #places = new Map<string, Row>()
  /** Account and place of logins that succeeded: a stranger's guesses lock the owner out nowhere but where the owner has never been. */
  readonly #owners = new Map<string, Row>()

  constructor(
    public limits: GuessLimits,
    private readonly now: () => number = Date.now,
  ) {}

  /** Whether a login may be tried now. Every `true` must be followed by one `ended`. */
  begin(account: string, place: string): boolean {
    const row = this.#row(this.#accounts, account)
    const { failuresPerAccount, pendingPerAccount, failuresPerAddress } = this.limits
    if (row.pending >= pendingPerAccount) return false
    const owner = this.#known(this.#owners, pair(account, place))
    if ((owner ?? row).failures >= failuresPerAccount) return false
    const from = this.#known(this.#places, place)
    if (!owner && from && from.failures >= failuresPerAddress) return false
    row.pending++
    return true
  }

  ended(account: string, place: string, outcome: Outcome): void {
    const row = this.#row(this.#accounts, account)
    if (row.pending > 0) row.pending--
    if (outcome === 'failed') {
      row.failures++
      this.#row(this.#places, place).failures++
      const owner = this.#known(this.#owners, pair(account, place))
      if (owner) owner.failures++
    } else if (outcome === 'succeeded') this.#row(this.#owners, pair(account, place))
    if (row.pending === 0 && row.failures === 0) this.#accounts.delete(short(account))
  }

  #row(table: Map<string, Row>, name: string): Row {
    const key = short(name)
    const known = this.#known(table, key)
    if (known) return known
    if (table.size >= this.limits.rows) for (const oldest of table.keys()) if (table.delete(oldest)) break
    const row = { failures: 0, pending: 0, since: this.now() }
    table.set(key, row)
    return row
  }

  #known(table: Map<string, Row>, name: string): Row | undefined {
    const row = table.get(short(name))
    if (row && this.now() - row.since >= this.limits.windowSeconds * 1000) {
      row.failures = 0
      row.since = this.now()
    }
    return row
  }
}

/** A stranger may make up names of a kilobyte; a table of them is to stay small. */
const short = (name: string): string => (name.length <= 128 ? name : createHash('sha256').update(name).digest('base64'))

const pair = (account: string, place: string): string => `${account} ${place}`
