/** DER, as far as what Node does not tell of a certificate needs it (X.690 §8.1). */

export interface Field {
  readonly tag: number
  readonly start: number
  readonly end: number
}

/** One field: where its content starts and ends; undefined where there is none. Node has read the whole before us, so nothing here need be doubted twice. */
export function field(der: Buffer, at: number): Field | undefined {
  const tag = der[at]
  const first = der[at + 1]
  if (tag === undefined || first === undefined) return undefined
  if (first < 0x80) return { tag, start: at + 2, end: at + 2 + first }
  const bytes = first & 0x7f
  if (bytes === 0 || bytes > 4 || at + 2 + bytes > der.length) return undefined
  const start = at + 2 + bytes
  return { tag, start, end: start + der.readUIntBE(at + 2, bytes) }
}
