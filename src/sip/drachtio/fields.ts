/** Header fields as drachtio-srf takes them: an object, in which a name stands once. */
import { soughtName } from '../header-names.ts'
import { HeaderError, type Headers } from '../message.ts'
import type { Fields } from './srf.ts'

const UNPRINTABLE = /[\r\n\0]/
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/

/** The server's own affair: what an application says of these is dropped, but counts as length. */
export const OF_THE_HOP: ReadonlySet<string> = new Set(['via', 'route', 'record-route', 'content-length'])

/** In a dialog, and in a response, these are known already. */
export const OF_THE_DIALOG: ReadonlySet<string> = new Set([...OF_THE_HOP, 'from', 'to', 'call-id', 'cseq'])

/**
 * All fields but those. A list becomes one field with commas; of other fields a further one of the same name stands under another spelling, since
 * two challenges in one field are more than telephones read (RFC 3261 §7.3.1). Throws HeaderError: nothing behind us takes CR and LF out.
 */
export function fieldsOf({ list }: Headers, leftOut: ReadonlySet<string>): Fields {
  const fields: Fields = {}
  for (let at = 0; at < list.length; at += 2) {
    const written = list[at] ?? ''
    const value = list[at + 1] ?? ''
    const lower = written.length === 1 ? soughtName(written).lower : written.toLowerCase()
    if (leftOut.has(lower)) continue
    if (!TOKEN.test(written) || UNPRINTABLE.test(value)) throw new HeaderError(`CR, LF or NUL in the value of ${JSON.stringify(written)}`)
    const name = written.length === 1 ? lower : written
    const same = namesake(fields, lower)
    if (same === undefined) fields[name] = value
    else if (soughtName(lower).isList) fields[same] = `${fields[same]}, ${value}`
    else fields[respelt(name, fields) ?? same] = value
  }
  return fields
}

/** Bytes of these fields on the way to the server. */
export function bytesOf(fields: Fields): number {
  let bytes = 0
  for (const name in fields) bytes += name.length + Buffer.byteLength(fields[name] ?? '') + 4
  return bytes
}

function namesake(fields: Fields, lower: string): string | undefined {
  for (const name in fields) if (name.length === lower.length && name.toLowerCase() === lower) return name
  return undefined
}

/** The name in letters of other case, as nobody has it yet. */
function respelt(name: string, fields: Fields): string | undefined {
  for (let pattern = 1; pattern < 1 << Math.min(name.length, 9); pattern++) {
    let other = ''
    for (let at = 0; at < name.length; at++) {
      const c = name[at] ?? ''
      const flipped = c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()
      other += at < 31 && (pattern >> at) & 1 ? flipped : c
    }
    if (!(other in fields)) return other
  }
  return undefined
}
