/** The Date header field (RFC 3261 §20.17): RFC 1123, always GMT, whole seconds. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const SIP_DATE = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT$/

export function parseSipDate(text: string): Date | undefined {
  const match = SIP_DATE.exec(text.trim())
  if (!match) return undefined
  const month = MONTHS.indexOf(match[2] ?? '')
  if (month < 0) return undefined
  const date = new Date(Date.UTC(Number(match[3]), month, Number(match[1]), Number(match[4]), Number(match[5]), Number(match[6])))
  return date.getUTCDate() === Number(match[1]) ? date : undefined
}

export function formatSipDate(date: Date): string {
  return date.toUTCString()
}
