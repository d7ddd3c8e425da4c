/** RFC 8048 Table 1, note 6: priorities 0 to 127 as decimals from 0 to 1, each its own; negative ones are never written. */

/** What a canonical `<priority/>` holds. */
const INTEGER = /^(?:0|-?[1-9]\d{0,2})$/
/** RFC 3863 §4.4 (qvalue), with as many digits as somebody writes. */
const DECIMAL = /^(?:0?\.\d{1,20}|0(?:\.\d{0,20})?|1(?:\.0{0,20})?)$/

/** The number in a `<priority/>`; undefined for what is none (RFC 6121 §4.7.2.3). */
export function priorityIn(text: string | undefined): number | undefined {
  if (text === undefined || !INTEGER.test(text)) return undefined
  const value = Number(text)
  return value >= -128 && value <= 127 ? value : undefined
}

/** 1 is 0.007, 2 is 0.015, 126 is 0.992, 127 is 1, as the RFC has it; undefined for a negative one (MUST NOT). */
export function decimalOf(priority: number): string | undefined {
  return priority < 0 ? undefined : String(Math.floor((priority / 127) * 1000) / 1000)
}

/** What is out of range or no number is as good as absent (RFC 3863 §4.1.5). */
export function priorityOf(decimal: string | undefined): number | undefined {
  const text = decimal?.trim()
  return text !== undefined && DECIMAL.test(text) ? Math.round(Number(text) * 127) : undefined
}
