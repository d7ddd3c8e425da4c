/** A log that remembers, for tests that wait until a fact was told. */
import { type Fact, type Log, silent } from '../../src/log/log.ts'

export class Heard {
  readonly facts: Fact[] = []
  readonly log: Log
  readonly #waiting: { readonly isIt: (fact: Fact) => boolean; readonly tell: (fact: Fact) => void }[] = []

  constructor() {
    const hear = (fact: Fact) => this.#hear(fact)
    const wants = { ...silent.wants, failures: true, major: true, problems: true, 'low-level': true }
    this.log = { ...silent, wants, failure: hear, major: hear, problem: hear, lowLevel: hear, tagged: () => this.log }
  }

  /** The first fact with these properties, told already or to come. */
  fact(properties: Readonly<Record<string, unknown>>): Promise<Fact> {
    const isIt = (fact: Fact) => Object.entries(properties).every(([key, value]) => fact[key] === value)
    const told = this.facts.find(isIt)
    return told ? Promise.resolve(told) : new Promise((tell) => this.#waiting.push({ isIt, tell }))
  }

  #hear(fact: Fact): void {
    this.facts.push(fact)
    for (const { isIt, tell } of this.#waiting) if (isIt(fact)) tell(fact)
  }
}
