/** What was sent, what came of it and what arrived, message by message: at the end of a fault the two sides must agree. */
import { expect } from 'vitest'
import { Promised } from '../support/promised.ts'

interface Entry {
  /** Delivered, as far as its sender was told. */
  outcome: 'open' | 'acknowledged' | 'refused'
  answers: number
  arrivals: number
}

/**
 * `silence is consent`: a sender that is told of failures alone, as XMPP clients are. Its message has its answer as soon as it arrives or is refused.
 * `each is answered`: a sender of requests.
 */
export type Way = 'silence is consent' | 'each is answered'

export class Ledger {
  readonly #entries = new Map<string, Entry>()
  readonly #strangers: string[] = []
  readonly #waiting: { readonly isSo: () => boolean; readonly told: Promised<void> }[] = []

  constructor(readonly way: Way) {}

  /** A message, by its text; no text is sent twice. */
  sent(text: string): void {
    this.#entries.set(text, { outcome: 'open', answers: 0, arrivals: 0 })
  }

  arrived(text: string): void {
    const entry = this.#entries.get(text)
    if (entry) entry.arrivals++
    else this.#strangers.push(text)
    this.#look()
  }

  answered(text: string, isAcknowledged: boolean): void {
    const entry = this.#entries.get(text)
    if (entry) {
      entry.answers++
      entry.outcome = isAcknowledged ? 'acknowledged' : 'refused'
    } else this.#strangers.push(text)
    this.#look()
  }

  /** Resolves once nothing is open any more. */
  settled(): Promise<void> {
    return this.until(() => this.open === 0)
  }

  until(isSo: () => boolean): Promise<void> {
    if (isSo()) return Promise.resolve()
    const told = new Promised<void>()
    this.#waiting.push({ isSo, told })
    return told.promise
  }

  /** Without an answer, and where only failures are told, without having arrived. */
  get open(): number {
    return this.#count((entry) => entry.answers === 0 && (this.way === 'each is answered' || entry.arrivals === 0))
  }

  get arrivals(): number {
    return this.#count(({ arrivals }) => arrivals > 0)
  }

  get refused(): number {
    return this.#count(({ outcome }) => outcome === 'refused')
  }

  get size(): number {
    return this.#entries.size
  }

  /** Every message has one answer, nothing acknowledged is lost, nothing came twice, nothing came from nowhere. */
  check(): void {
    const which = (wrong: (entry: Entry) => boolean) => [...this.#entries].flatMap(([text, entry]) => (wrong(entry) ? [text] : []))
    expect({
      open: this.open,
      answeredTwice: which(({ answers }) => answers > 1),
      acknowledgedAndLost: which(({ outcome, arrivals }) => outcome === 'acknowledged' && arrivals === 0),
      arrivedTwice: which(({ arrivals }) => arrivals > 1),
      fromNowhere: this.#strangers,
    }).toEqual({ open: 0, answeredTwice: [], acknowledgedAndLost: [], arrivedTwice: [], fromNowhere: [] })
  }

  #count(is: (entry: Entry) => boolean): number {
    let count = 0
    for (const entry of this.#entries.values()) if (is(entry)) count++
    return count
  }

  #look(): void {
    for (const one of this.#waiting.splice(0)) {
      if (one.isSo()) one.told.resolve()
      else this.#waiting.push(one)
    }
  }
}

/** Somebody who says something every so often until told to stop. */
export class SteadyLoad {
  readonly #timer: NodeJS.Timeout
  #count = 0

  constructor(everyMs: number, say: (n: number) => void) {
    this.#timer = setInterval(() => say(++this.#count), everyMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
