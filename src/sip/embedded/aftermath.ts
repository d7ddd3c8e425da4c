/**
 * What may still come of an INVITE that has its final response: a 2xx again (RFC 6026 §7, Timers L and M), a refusal again (RFC 3261 Timer D), its ACK again (Timer I).
 * A busy proxy has tens of thousands of these, so each is the least that can deal with it: the requests, their telephones and timers are gone.
 */
import { print } from '../codec.ts'
import { SipResponse } from '../message.ts'
import type { ClientTransactions } from './client.ts'
import type { InviteUser } from './invite-client.ts'
import { DATAGRAM_MAX_BYTES } from './limits.ts'
import type { ReturnPath } from './return-path.ts'
import type { ServerTransactions } from './server.ts'
import type { Way } from './transport.ts'

export interface Aftermath {
  /** The final response came again. */
  again(response: SipResponse): void
}

/** Both sides of a call that was answered: each 2xx goes on to who called, until he has acknowledged it to who gave it. */
export class Accepted implements Aftermath {
  readonly #owner: ServerTransactions
  readonly #path: ReturnPath

  constructor(owner: ServerTransactions, path: ReturnPath) {
    this.#owner = owner
    this.#path = path
  }

  again(response: SipResponse): void {
    if (response.status >= 300) return
    const onward = withoutTopVia(response)
    if (!onward) return
    const bytes = print(onward)
    if (this.#path.way.isReliable || bytes.length <= DATAGRAM_MAX_BYTES) this.#owner.sendOn(this.#path, bytes)
  }
}

/** A call that somebody else has to look at each time. */
export class Heard implements Aftermath {
  constructor(readonly user: InviteUser) {}

  again(response: SipResponse): void {
    if (response.status < 300) this.user.answered(response)
  }
}

/** A branch that refused: its refusal is acknowledged as often as it comes. */
export class Refused implements Aftermath {
  readonly #owner: ClientTransactions

  constructor(
    owner: ClientTransactions,
    readonly ack: Buffer,
    readonly way: Way,
    readonly host: string,
    readonly port: number,
  ) {
    this.#owner = owner
  }

  again(response: SipResponse): void {
    if (response.status >= 300) this.#owner.sendBeside(this.ack, this.way, this.host, this.port)
  }
}

/** A caller who has acknowledged our refusal; nothing more is said to him. */
export const CONFIRMED: Aftermath = { again: () => {} }

/** As a proxy passes it on (§16.7 step 3); undefined where no Via is left, so that it is nobody's. */
function withoutTopVia({ status, reason, headers, body }: SipResponse): SipResponse | undefined {
  const vias = headers.values('via').slice(1)
  if (vias.length === 0) return undefined
  const onward = headers.copy()
  for (const name of ['Via', 'Content-Length']) onward.remove(name)
  for (const via of vias.toReversed()) onward.prepend('Via', via)
  return new SipResponse(status, reason, onward, body)
}
