/** One request from its arrival to its answer. */
import { newTag } from '../identifier.ts'
import type { SipRequest } from '../message.ts'
import type { Received } from '../port.ts'
import type { InviteTransaction } from './invite.ts'
import type { ReturnPath } from './return-path.ts'
import type { ServerTransactions } from './server.ts'
import { Timed } from './wheel.ts'

export class Serving extends Timed {
  /** Of the response's To, where nobody else gives one. */
  readonly tag: string
  readonly #owner: ServerTransactions

  constructor(
    owner: ServerTransactions,
    readonly key: string,
    readonly received: Received,
    readonly path: ReturnPath,
    readonly invite: InviteTransaction | undefined,
  ) {
    super()
    this.#owner = owner
    this.tag = invite?.tag ?? newTag()
  }

  get request(): SipRequest {
    return this.received.request
  }

  expire(): void {
    this.#owner.tooSlow(this)
  }
}
