/** Dates and times as XMPP (XEP-0082) and CPIM (RFC 3339) write them. */

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/

/** The moment meant; undefined where the text is not a date and time, or names a day that does not exist. */
export function parseDateTime(text: string): Date | undefined {
  const match = DATE_TIME.exec(text)
  if (!match) return undefined
  const [, year, month, day, hours, minutes, seconds, fraction = '0', zone = 'Z'] = match
  const ms = Math.floor(Number(`0.${fraction}`) * 1000)
  // 23:59:60 is the same moment as 00:00:00 of the next day to every clock that has no leap seconds.
  const date = new Date(0)
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  if (date.getUTCMonth() !== Number(month) - 1 || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return undefined
  date.setUTCHours(Number(hours), Number(minutes), Number(seconds), ms)
  if (zone === 'Z') return date
  const offset = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))) * 60_000
  return new Date(date.getTime() - (zone.startsWith('-') ? -offset : offset))
}

/** In UTC; a fraction of a second only where there is one. */
export function formatDateTime(date: Date): string {
  return date.toISOString().replace('.000Z', 'Z')
}
