/** One INVITE that rings in several places: what they say becomes what the caller hears (RFC 3261 §16.7, §16.8, §16.10). */
import { parseContacts } from '../contact.ts'
import { response, type SipResponse } from '../message.ts'
import type { Branch } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'
import type { Aftermath } from './aftermath.ts'
import { type BranchOwner, CallBranch } from './call-branch.ts'
import type { ClientTransactions } from './client.ts'
import type { Limits } from './limits.ts'
import { bestOf } from './proxy-best.ts'
import type { Copier } from './proxy-copier.ts'

/** The caller's side. */
export interface Caller {
  /** 101 to 199, any 2xx, and one of the others. */
  pass(response: SipResponse): void
  /** What becomes of a 2xx that comes again: it needs no call any more. */
  readonly aftermath: Aftermath
}

/** What a call needs of its proxy. */
export interface CallOwner {
  readonly client: ClientTransactions
  readonly limits: Limits
  ended(call: ProxyCall): void
  /** Our own mistake. */
  mistaken(cause: unknown): void
}

/** Who is told how it goes. */
export interface CallFollower {
  rings(aor: string | undefined, said: SipResponse): void
  /** Nobody of this account rings any more. */
  stopped(aor: string, status: number): void
  /** The 2xx as the caller is to hear it. */
  answered(branch: Branch, said: SipResponse): SipResponse
  refused(status: number, wasCancelled: boolean): void
}

/** RFC 3326: telephones that rang in vain need not tell of a missed call. */
const ELSEWHERE = ['SIP;cause=200;text="Call completed elsewhere"']

export class ProxyCall implements BranchOwner {
  readonly #caller: Caller
  readonly #copier: Copier
  readonly #owner: CallOwner
  readonly #watched: CallFollower | undefined
  readonly #branches: CallBranch[] = []
  /** Request-URIs that were or are tried (§16.5: none twice); undefined until somebody is redirected. */
  #tried: Set<string> | undefined
  #redirections = 0
  /** 3xx whose contacts are being looked for. */
  #following = 0
  #hasBegun = false
  #isAnswered = false
  #isOver = false
  /** A final answer is there, or is to be: nobody else is tried. */
  #isClosing = false
  /** What to say instead of what the branches say, since it was the caller or we who ended it. */
  #instead: number | undefined

  constructor(caller: Caller, copier: Copier, owner: CallOwner, watched: CallFollower | undefined) {
    this.#caller = caller
    this.#copier = copier
    this.#owner = owner
    this.#watched = watched
  }

  get aftermath(): Aftermath {
    return this.#caller.aftermath
  }

  begin(): void {
    for (const branch of this.#copier.forward.branches) this.#add(branch, this.#copier.breadth)
    this.#hasBegun = true
    this.settle()
  }

  /** The caller hung up before anybody answered. */
  cancel(reasons: readonly string[]): void {
    this.#instead ??= 487
    this.#cancelOthers(undefined, reasons)
    this.settle()
  }

  /** We cannot go on. */
  giveUp(status: number): void {
    if (this.#isOver || this.#isAnswered) return
    this.#cancelOthers(undefined, [])
    this.#isOver = true
    this.#caller.pass(response(status))
    this.#watched?.refused(status, false)
    this.#owner.ended(this)
  }

  heard(branch: CallBranch, said: SipResponse): void {
    const { status } = said
    if (status < 200) {
      if (this.#isAnswered || this.#isOver) return
      this.#watched?.rings(branch.branch.aor, said)
      this.#caller.pass(said)
    } else if (status < 300) {
      this.#isAnswered = true
      this.#caller.pass(this.#watched?.answered(branch.branch, said) ?? said)
      this.#cancelOthers(branch, ELSEWHERE)
      this.settle()
    } else {
      if (status >= 600) this.#cancelOthers(branch, [])
      else if (status < 400) this.#follow(branch, said)
      this.#noteSilence(branch, status)
      this.settle()
    }
  }

  /** Before its `final` is heard, so that the call is not over for want of branches. */
  failed(branch: CallBranch, failure: 'timeout' | 'transport' | SipResponse): void {
    this.#copier.forward.guide?.failed?.(branch.branch, failure)
    this.#tryNext(branch)
  }

  silent(branch: CallBranch): void {
    this.#copier.forward.guide?.failed?.(branch.branch, 'timeout')
    this.#tryNext(branch)
  }

  /** Once nobody can answer any more, the caller hears the best of what was said. */
  settle(): void {
    if (!this.#hasBegun || this.#isOver || this.#following > 0 || this.#branches.some((branch) => branch.final === undefined)) return
    this.#isOver = true
    if (!this.#isAnswered) {
      const best = bestOf(this.#branches.flatMap(({ final, isFollowed }) => (final && !isFollowed ? [final] : [])))
      // §16.10: who hung up is told so, unless somebody had said more than that he stopped ringing.
      const isEmpty = best.status === 487 || best.status === 408 || best.status === 480
      const wasCancelled = this.#instead !== undefined && isEmpty
      this.#caller.pass(wasCancelled ? response(this.#instead ?? 487) : best)
      this.#watched?.refused(best.status, wasCancelled)
    }
    this.#owner.ended(this)
  }

  #add(branch: Branch, breadth: number): void {
    const { client, limits } = this.#owner
    const made = new CallBranch(this, client, limits.ringingMs, branch, breadth, this.#copier.copy(branch, breadth))
    this.#branches.push(made)
    made.begin()
  }

  /** RFC 3263 §4.3, RFC 5626 §7. */
  #tryNext(branch: CallBranch): void {
    const { next } = branch
    if (next && !this.#isClosing && !this.#isOver) this.#add(next, branch.breadth)
  }

  /** §16.7 step 4: the caller hears nothing of a 3xx that leads somewhere. */
  #follow(branch: CallBranch, said: SipResponse): void {
    const follow = this.#copier.forward.guide?.follow
    if (!follow || this.#isClosing || this.#isOver) return
    const contacts = contactsOf(said)
    if (contacts.length === 0) return
    this.#following++
    const gone = (found: readonly Branch[]): void => {
      this.#following--
      if (!this.#isClosing && !this.#isOver) this.#redirect(branch, found)
      this.settle()
    }
    follow.call(this.#copier.forward.guide, contacts).then(gone, (cause: unknown) => {
      this.#owner.mistaken(cause)
      gone([])
    })
  }

  #redirect(branch: CallBranch, found: readonly Branch[]): void {
    this.#tried ??= new Set(this.#copier.forward.branches.map(({ uri }) => uri))
    const fresh: Branch[] = []
    for (const one of found) {
      // RFC 5393 §5.3.3: the branch that ended has given back its breadth, and no more than that.
      if (fresh.length >= branch.breadth || this.#redirections >= this.#owner.limits.redirectionsMax) break
      if (this.#tried.has(one.uri)) continue
      this.#tried.add(one.uri)
      this.#redirections++
      fresh.push(one)
    }
    if (fresh.length === 0) return
    branch.isFollowed = true
    for (const one of fresh) this.#add(one, Math.floor(branch.breadth / fresh.length))
  }

  #noteSilence({ branch: { aor } }: CallBranch, status: number): void {
    if (this.#watched && aor !== undefined && !this.#branches.some((one) => one.branch.aor === aor && one.final === undefined))
      this.#watched.stopped(aor, status)
  }

  #cancelOthers(but: CallBranch | undefined, reasons: readonly string[]): void {
    this.#isClosing = true
    for (const branch of this.#branches) if (branch !== but) branch.cancel(reasons)
  }
}

/** Best `q` first; what cannot be read leads nowhere. */
function contactsOf(said: SipResponse): string[] {
  try {
    const contacts = parseContacts(said.headers)
    if (contacts === '*') return []
    return contacts.toSorted((a, b) => qOf(b.params.get('q')) - qOf(a.params.get('q'))).map(({ uri }) => uri)
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return []
    throw cause
  }
}

function qOf(text: string | undefined): number {
  const q = Number(text ?? 1)
  return q >= 0 && q <= 1 ? q : 1
}
