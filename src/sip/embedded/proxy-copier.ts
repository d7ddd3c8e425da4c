/** Makes the copies of one forwarded request, each as its branch needs it, now or when another branch has failed (RFC 3261 §16.6). */
import type { SipRequest } from '../message.ts'
import { tagOf } from '../name-addr.ts'
import type { Branch, Forward, NextHop, Received } from '../port.ts'
import { breadthOf, copyFor } from './proxy-copy.ts'
import type { DialogRoutes } from './record-route.ts'

/** What opens a dialog that we want to stay in (RFC 3261 §16.6 step 4, RFC 6665 §4.2, RFC 3515). */
const OPENS_DIALOG = new Set(['INVITE', 'SUBSCRIBE', 'REFER'])

export interface Copying {
  readonly routes: DialogRoutes
  /** What of us a side sees; `otherwise` where that cannot be told. */
  localFor(hop: NextHop, otherwise: NextHop): NextHop
}

export class Copier {
  readonly #copying: Copying
  readonly #callId: string
  /** Undefined: we do not stay. */
  readonly #towardsCaller: string | undefined
  /** What each of the branches may fork into further on (RFC 5393 §5.3.3). */
  readonly breadth: number

  constructor(
    copying: Copying,
    readonly forward: Forward,
    readonly received: Received,
  ) {
    const { request, branches } = forward
    this.#copying = copying
    this.#callId = request.headers.get('call-id') ?? ''
    this.breadth = Math.floor(breadthOf(request) / branches.length)
    const opens = OPENS_DIALOG.has(request.method) && tagOf(request.headers.get('to') ?? '') === undefined
    this.#towardsCaller = opens ? copying.routes.fieldFor(received.from, received.local, this.#callId) : undefined
  }

  copy(branch: Branch, breadth: number): SipRequest {
    const { hop } = branch
    const { routes } = this.#copying
    const records =
      this.#towardsCaller === undefined
        ? []
        : [routes.fieldFor(hop, this.#copying.localFor(hop, this.received.local), this.#callId), this.#towardsCaller]
    return copyFor(this.forward.request, branch, records, breadth)
  }
}
