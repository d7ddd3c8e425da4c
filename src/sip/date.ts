/** Date: `Sat, 13 Nov 2010 23:29:00 GMT`, and no other zone (RFC 3261 §20.17). */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const RFC1123 =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/i

/** undefined where it is malformed or of another zone: RFC 4475 §3.1.2.12 asks for such a Date to be ignored. */
export function parseDate(text: string): Date | undefined {
  const parts = RFC1123.exec(text.trim())
  if (!parts) return undefined
  const [, day, name, year, hour, minute, second] = parts
  const month = MONTHS.findIndex((one) => one.toLowerCase() === name?.toLowerCase())
  const time = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
  const date = new Date(time)
  // Date.UTC turns 31 February into 3 March, and a second of 75 into the next minute.
  return date.getUTCDate() === Number(day) && date.getUTCSeconds() === Number(second) && date.getUTCHours() === Number(hour)
    ? date
    : undefined
}

export function printDate(date: Date): string {
  return date.toUTCString()
}
