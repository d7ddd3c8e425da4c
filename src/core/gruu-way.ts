/** Temporary GRUUs as one of the core's ways: what is sent to one goes to the telephone it was made for (RFC 5627 §6.1). */
import { type Delivery, RefusedError, type Signal, type Target, type Way } from './port.ts'
import type { Router } from './router.ts'
import type { TemporaryGruus } from './temporary-gruu.ts'

export class GruuWay implements Way {
  readonly name = 'temporary GRUUs'

  constructor(
    readonly gruus: TemporaryGruus,
    readonly onward: Router,
  ) {}

  targetFor(signal: Signal): Target | undefined {
    const found = this.gruus.resolve(signal.to)
    if (found === undefined) return undefined
    if (found === 'invalid') throw NOWHERE
    return {
      deliver: (signal): Delivery => {
        const moved = signal.readdressed(found)
        if (moved.maxForwards <= 0) throw new RefusedError(483, 'Too Many Hops')
        return this.onward.targetFor(moved).deliver(moved)
      },
    }
  }
}

/** RFC 5627 §5.1: what was made for an earlier registration. */
export const NOWHERE = new RefusedError(404, 'This temporary address leads nowhere any more')
