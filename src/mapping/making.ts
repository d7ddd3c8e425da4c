/** What mapping cannot know by itself: the clock, fresh identifiers, and what the domains prefer. Given to every function that makes something. */
import type { Asked, News } from './imdn.ts'

export interface Making {
  now(): Date
  /** Fresh and unguessable: RFC 3261 §19.3. */
  tag(): string
  /** Fresh: the part of a Call-ID before its `@`. */
  callId(): string
  /** Our own name behind the `@` of a Call-ID. */
  readonly host: string
  /** The type of a message made from a plain SIP MESSAGE to this XMPP domain; `normal` is RFC 7572 §5 to the letter. */
  pagerType(domain: string): 'chat' | 'normal'
  /**
   * The thread a plain MESSAGE belongs to, asked of whoever remembers Call-IDs. Without a memory no thread is made: most telephones use a
   * new Call-ID for every MESSAGE, and clients would open a conversation for each (a deviation from RFC 7572 Table 2).
   */
  threadOf?(callId: string): string | undefined
  /**
   * What the SIP user `sender` asked of the message that this news is about, of whoever remembers; undefined where he did not ask for such
   * news, or has been told (RFC 5438 §7.2.1: once). `by` is the stanza that tells him, which may have to do so on several telephones.
   */
  askedFor?(sender: string, news: News, by: object): Asked | undefined
}
