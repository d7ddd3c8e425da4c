/** The calls of our own accounts, as the stack's proxy tells of them: what their telephones show of it, and the `dialog` package (RFC 4235) for whoever may see. */
import type { SipUri } from '../address/sip-uri.ts'
import type { Document, Watch } from '../core/subscriptions/port.ts'
import { type CallState, callStateOf, type Dialog, dialogDocument } from '../mapping/presence/dialog-info.ts'
import { Versions } from './versions.ts'

/** One call of one account; a stack's `AccountCall` is one. */
export interface KnownCall extends Dialog {
  /** The account: its address-of-record. */
  readonly aor: string
}

export interface AccountCallsRooms {
  /** Something is different about the calls of this account; called in the middle of signalling. */
  changed(aor: string): void
  readonly now: () => number
}

export class AccountCalls {
  /** As many calls as the stack tells of, which has a limit. */
  readonly #byAccount = new Map<string, Map<string, KnownCall>>()
  readonly #versions: Versions

  constructor(readonly rooms: AccountCallsRooms) {
    this.#versions = new Versions(rooms.now)
  }

  /** As the stack calls it. */
  changed(call: KnownCall): void {
    const calls = this.#byAccount.get(call.aor)
    if (call.state === 'terminated') {
      if (!calls?.delete(call.id)) return
      if (calls.size === 0) this.#byAccount.delete(call.aor)
    } else if (calls) calls.set(call.id, call)
    else this.#byAccount.set(call.aor, new Map([[call.id, call]]))
    this.rooms.changed(call.aor)
  }

  stateOf(aor: string): CallState | undefined {
    const calls = this.#byAccount.get(aor)
    return calls && callStateOf(calls.values())
  }

  /** The account itself sees all of it. Others do not learn with whom it speaks: of two whom they watch, the same Call-ID would tell it as well. */
  documentFor(watch: Watch): Document {
    const { watcher, watched } = watch
    const calls: readonly Dialog[] = [...(this.#byAccount.get(watched.aor)?.values() ?? [])]
    return dialogDocument(watched, watcher.aor === watched.aor ? calls : calls.map(anonymous), this.#versions.nextFor(watch))
  }

  forget({ aor }: SipUri): void {
    this.#byAccount.delete(aor)
  }
}

const anonymous = ({ id, state, direction }: Dialog): Dialog => ({ id, state, direction })
