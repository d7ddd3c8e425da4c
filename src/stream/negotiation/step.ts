/** One step of negotiation (RFC 6120 §4.3): what it offers in the features, and what it does with the client's answer. */
import type { Element } from '../../xml/element.ts'
import type { ClientStream } from '../c2s.ts'

export interface Step {
  /** What stands in the features now; empty while it is not this step's time. */
  offers(): readonly Element[]
  /** Whether an element is this step's affair, now. */
  takes(xml: Element): boolean
  /** Throws StreamError where the client may not have that. */
  take(xml: Element): void
  /** The stream is over in the middle of it. */
  ended?(): void
}

/** Each stream has its own steps, which remember how far they have come. */
export type MakeStep = (stream: ClientStream) => Step
