/** An INVITE that goes on from here: its retransmissions, the ACK of what is no 2xx, its CANCEL (RFC 3261 §17.1.1, §9.1, RFC 6026 §7.2). */
import { print } from '../codec.ts'
import { parseCSeq } from '../cseq.ts'
import { newBranch } from '../identifier.ts'
import { Headers, SipRequest, type SipResponse } from '../message.ts'
import { type NextHop, NoResponseError } from '../port.ts'
import { type Aftermath, Heard, Refused } from './aftermath.ts'
import type { ClientTransactions } from './client.ts'
import { DATAGRAM_MAX_BYTES } from './limits.ts'
import { transactionMs } from './timers.ts'
import type { Sender, Way } from './transport.ts'
import { Timed } from './wheel.ts'

/** Who waits for what is said to it. */
export interface InviteUser {
  /** 101 to 199; a 100 is for the transaction alone. */
  provisional(response: SipResponse): void
  /** Once; where there is no `aftermath`, a 2xx as often as it comes (RFC 6026 §7.2). */
  answered(response: SipResponse): void
  /** Nothing more comes: Timer B, nobody there, or a CANCEL that nobody answered. */
  failed(why: 'timeout' | 'transport'): void
  /** For a 2xx that comes again; absent: the user is kept until Timer M. */
  readonly aftermath?: Aftermath | undefined
}

type State = 'calling' | 'proceeding' | 'over'

export class InviteClient extends Timed implements Sender {
  readonly branch = newBranch()
  readonly #owner: ClientTransactions
  readonly #user: InviteUser
  #state: State = 'calling'
  #way: Way | undefined
  #host = ''
  #port = 0
  #bytes: Buffer | undefined
  #via = ''
  /** Timer A. */
  #interval = 0
  /** Timer B, as a time. */
  #giveUpAt = 0
  /** A CANCEL waits for the first provisional response; its Reason fields. */
  #cancelling: readonly string[] | undefined

  constructor(
    owner: ClientTransactions,
    readonly request: SipRequest,
    readonly hop: NextHop,
    user: InviteUser,
  ) {
    super()
    this.#owner = owner
    this.#user = user
  }

  /** Whether anything came back, 100 included. */
  get isHeard(): boolean {
    return this.#state !== 'calling'
  }

  begin(way: Way, host: string, port: number, bytes: Buffer, via: string): void {
    if (way.transport === 'udp' && bytes.length > DATAGRAM_MAX_BYTES)
      throw new NoResponseError('transport', `${bytes.length} bytes do not fit into a datagram`)
    const { timers, wheel } = this.#owner
    this.#way = way
    this.#host = host
    this.#port = port
    this.#via = via
    this.#giveUpAt = performance.now() + transactionMs(timers)
    this.#interval = timers.t1Ms
    if (!way.isReliable) this.#bytes = bytes
    wheel.start(this, way.isReliable ? transactionMs(timers) : this.#interval)
    this.#owner.sent(bytes, way, host, port)
    way.send(bytes, host, port, this)
  }

  receive(response: SipResponse): void {
    if (this.#state === 'over') return
    if (response.status < 200) this.#proceed(response)
    else this.#end(response)
  }

  /** Once it may be sent: §9.1 wants a provisional response first. */
  cancel(reasons: readonly string[]): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return
    if (this.#cancelling !== undefined) return
    this.#cancelling = reasons
    if (this.#state === 'proceeding') this.#sendCancel(reasons)
  }

  wayFailed(cause: Error): void {
    if (this.#state !== 'calling' && this.#state !== 'proceeding') return
    this.#owner.noteFailed(this.hop, cause)
    this.fail('transport')
  }

  fail(why: 'timeout' | 'transport'): void {
    if (this.#state === 'over') return
    this.#finish()
    this.#user.failed(why)
  }

  /** Nobody waits any more. */
  drop(): void {
    this.#finish()
  }

  expire(): void {
    if (this.#state === 'proceeding') this.fail('timeout')
    else if (this.#state === 'calling') {
      const left = this.#giveUpAt - performance.now()
      if (left <= 0 || !this.#bytes || !this.#way) {
        this.fail('timeout')
        return
      }
      this.#owner.sent(this.#bytes, this.#way, this.#host, this.#port)
      this.#way.send(this.#bytes, this.#host, this.#port)
      this.#interval *= 2
      this.#owner.wheel.start(this, Math.min(this.#interval, left))
    }
  }

  #proceed(response: SipResponse): void {
    if (this.#state === 'calling') {
      this.#state = 'proceeding'
      this.#owner.wheel.stop(this)
      if (this.#cancelling !== undefined) this.#sendCancel(this.#cancelling)
    }
    if (response.status > 100) this.#user.provisional(response)
  }

  /** Nothing of it is kept but what answers the same response when it comes again: for a 2xx Timer M, for another one Timer D. */
  #end(response: SipResponse): void {
    const way = this.#way
    if (response.status < 300) this.#owner.keepAnswered(this.branch, this.#user.aftermath ?? new Heard(this.#user))
    else if (way) {
      const refused = new Refused(this.#owner, this.#ackOf(response), way, this.#host, this.#port)
      refused.again(response)
      if (!way.isReliable) this.#owner.keepAnswered(this.branch, refused)
    }
    this.#finish()
    this.#user.answered(response)
  }

  /** §17.1.1.3. */
  #ackOf(response: SipResponse): Buffer {
    const ack = sibling(this.request, 'ACK')
    ack.headers.set('To', response.headers.get('to') ?? this.request.headers.get('to') ?? '')
    return print(ack, this.#via)
  }

  #sendCancel(reasons: readonly string[]): void {
    if (!this.#way) return
    const cancel = sibling(this.request, 'CANCEL')
    for (const reason of reasons) cancel.headers.append('Reason', reason)
    this.#owner.cancel(this, cancel, this.#via, this.#way, this.#host, this.#port)
    // §9.1: who has not answered by then never will.
    this.#owner.wheel.start(this, transactionMs(this.#owner.timers))
  }

  #finish(): void {
    this.#way?.forget(this)
    this.#state = 'over'
    this.#bytes = undefined
    this.#owner.wheel.stop(this)
    this.#owner.forgetInvite(this)
  }
}

/** ACK and CANCEL take the way of their INVITE, with what names it and nothing else (§9.1, §17.1.1.3). */
function sibling(invite: SipRequest, method: 'ACK' | 'CANCEL'): SipRequest {
  const headers = new Headers()
  for (const name of ['Max-Forwards', 'From', 'To', 'Call-ID']) {
    const value = invite.headers.get(name)
    if (value !== undefined) headers.append(name, value)
  }
  headers.append('CSeq', `${parseCSeq(invite.headers.get('cseq') ?? '').number} ${method}`)
  for (const route of invite.headers.all('route')) headers.append('Route', route)
  return new SipRequest(method, invite.uri, headers, NO_BODY)
}

const NO_BODY = Buffer.alloc(0)
