/** Durations and sizes as people write them: `10m`, `500ms`, `256KiB`. */

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES: Readonly<Record<string, number>> = { B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** Milliseconds; undefined for what is no duration. A number needs its unit, as nobody agrees on the one it would have. */
export function duration(text: unknown): number | undefined {
  return typeof text === 'string' ? amount(text, MS) : undefined
}

/** Bytes; undefined for what is no size. A number alone is bytes. */
export function size(text: unknown): number | undefined {
  if (typeof text === 'number') return Number.isSafeInteger(text) && text >= 0 ? text : undefined
  return typeof text === 'string' ? amount(text, BYTES) : undefined
}

function amount(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, number, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?) ?([a-zA-Z]{1,3})$/.exec(text.trim()) ?? []
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined
  return factor === undefined ? undefined : Math.round(Number(number) * factor)
}
