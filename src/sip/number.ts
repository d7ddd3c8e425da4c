/** Numbers in header fields: Expires, Min-Expires, Retry-After (delta-seconds) and Max-Forwards (RFC 3261 §20.19, §20.22). */

const DELTA_MAX = 2 ** 32 - 1

/** undefined where it is no number; a number beyond 32 bits counts as the largest. Retry-After may carry a comment or parameters behind it. */
export function parseDeltaSeconds(text: string): number | undefined {
  const digits = /^\d+(?=$|[ \t;(])/.exec(text)?.[0]
  return digits === undefined ? undefined : Math.min(Number(digits), DELTA_MAX)
}

/** undefined where it is not a number from 0 to 255. */
export function parseMaxForwards(text: string): number | undefined {
  if (!/^\d{1,6}$/.test(text)) return undefined
  const hops = Number(text)
  return hops <= 255 ? hops : undefined
}
