/** RFC 2782: the lowest priority first; among equals by lot, heavy ones more often. */
import type { Srv } from './dns.ts'

/** `random`: at least 0, less than 1. */
export function inSrvOrder<R extends Srv>(records: readonly R[], random: () => number): R[] {
  const ordered: R[] = []
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b)
  for (const priority of priorities) {
    // Those of weight 0 first, so that they have a small chance beside the others.
    const left = records.filter((one) => one.priority === priority).sort((a, b) => a.weight - b.weight)
    while (left.length > 0) {
      const total = left.reduce((sum, { weight }) => sum + weight, 0)
      ordered.push(...left.splice(drawn(left, Math.floor(random() * (total + 1))), 1))
    }
  }
  return ordered
}

/** The first whose running sum of weights reaches the lot. */
function drawn(left: readonly Srv[], lot: number): number {
  let sum = 0
  return Math.max(
    left.findIndex(({ weight }) => {
      sum += weight
      return sum >= lot
    }),
    0,
  )
}

/** A single record with the root as its name: decidedly not offered here. */
export function isRefused(records: readonly Srv[]): boolean {
  return records.length > 0 && records.every(({ name }) => name === '' || name === '.')
}
