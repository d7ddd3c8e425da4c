/** One signal to several devices, one answer back (RFC 3261 §16.7). */
import type { Answer } from '../core/port.ts'

/** The first 2xx as soon as it is there; when all have answered without one, the best of the refusals. */
export function bestOf(answers: readonly Promise<Answer>[]): Promise<Answer> {
  const [only] = answers
  if (answers.length === 1 && only) return only
  return new Promise((decided, failed) => {
    const refusals: Answer[] = []
    const causes: unknown[] = []
    const ended = (): void => {
      if (refusals.length + causes.length < answers.length) return
      const best = refusals.toSorted((a, b) => rank(a) - rank(b))[0]
      if (best) decided(best)
      else failed(causes[0])
    }
    for (const answer of answers) {
      answer.then(
        (one) => {
          if (one.status < 300) return decided(one)
          refusals.push(one)
          ended()
        },
        (cause: unknown) => {
          causes.push(cause)
          ended()
        },
      )
    }
  })
}

/** §16.7 step 6: a 6xx first, then the lowest class; a device that spoke before one that did not, and what the sender can mend before the rest. */
function rank({ status, failure }: Answer): number {
  if (status >= 600) return 0
  const withinClass = failure ? 90 : MENDABLE.has(status) ? 0 : status === 408 ? 80 : 50
  return Math.floor(status / 100) * 100 + withinClass
}

const MENDABLE = new Set([401, 407, 415, 420, 484])
