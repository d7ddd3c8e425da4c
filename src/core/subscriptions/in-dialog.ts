/** Requests off the wire that belong to a subscription (RFC 6665): they never reach the router. */
import type { SipResponse } from '../../sip/message.ts'
import type { Received } from '../../sip/port.ts'
import type { MaybePromise } from '../port.ts'
import type { Notifier } from './notifier.ts'
import type { Subscriber } from './subscriber.ts'

export class InDialog {
  constructor(
    readonly notifier: Notifier,
    readonly subscriber: Subscriber,
  ) {}

  /** Undefined where it has no To-tag or is neither SUBSCRIBE nor NOTIFY. Throws RefusedError. */
  serve(_received: Received): MaybePromise<SipResponse> | undefined {
    return undefined
  }
}
