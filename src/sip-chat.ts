/** What is said between the words of XMPP users and SIP users, joined: who types, what became of a message, and who can be told. */
import { Chatting } from './account/chatting.ts'
import { Threads } from './account/threads.ts'
import { Typing } from './account/typing.ts'
import { Wishes } from './account/wishes.ts'
import { Composers, type ComposersLimits } from './core/composers.ts'
import { Courtesy } from './core/courtesy.ts'
import type { Locations } from './core/location.ts'
import { Manners } from './core/manners.ts'
import type { Core } from './core/port.ts'
import type { Log } from './log/log.ts'
import type { Making } from './mapping/making.ts'
import { toSignal } from './mapping/signal.ts'

export interface SipChat {
  /** What SIP peers have shown that they read, for whoever learns of it elsewhere. */
  readonly manners: Manners
  readonly courtesy: Courtesy
  readonly chatting: Chatting
  /** With what is remembered of threads and receipts. */
  readonly making: Making
  stop(): void
}

/** What nobody sent just now. */
const FROM_HERE = { arrival: { kind: 'task' } } as const

export function joinSipChat(
  plain: Making,
  locations: Locations,
  submit: Core['submit'],
  /** Undefined: as RFC 3994 has it. */
  limits: ComposersLimits | undefined,
  log: Log,
): SipChat {
  const now = (): number => Date.now()
  const wishes = new Wishes(now)
  const making: Making = { ...plain, threadOf: new Threads().of, askedFor: wishes.for }
  const manners = new Manners(now)
  const failed = (cause: unknown): void =>
    log.failure({ what: 'chat_state_failed', error: cause instanceof Error ? cause.stack : String(cause) })
  const composers = new Composers(undefined, limits, failed)
  const typing = new Typing((paused) => void submit(toSignal(paused, making, FROM_HERE)), undefined, limits)
  return {
    manners,
    courtesy: new Courtesy(manners, composers),
    chatting: new Chatting({ manners, typing, wishes, locations }),
    making,
    stop() {
      composers.stop()
      typing.stop()
    },
  }
}
