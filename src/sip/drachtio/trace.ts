/** What crossed the connection, as the log wants it: a line at `low-level`, the whole text without passwords at `all`. */
import { blankSip } from '../../log/blank-sip.ts'
import type { Log } from '../../log/log.ts'
import type { NextHop } from '../port.ts'
import type { OutgoingRequest } from './outgoing.ts'
import type { Fields } from './srf.ts'

export function traceReceived(log: Log, line: string, raw: string, from: string): void {
  if (log.wants['low-level']) log.lowLevel({ what: 'sip_received', line, from, through: 'drachtio' })
  if (log.wants.all) log.all({ what: 'sip_received_text', from, text: blankSip(raw) })
}

export function traceSent(log: Log, { uri, options }: OutgoingRequest, hop: NextHop): void {
  traced(log, `${options.method} ${uri}`, options.headers, options.body, `${hop.host}:${hop.port}`)
}

export function traceAnswered(log: Log, status: number, reason: string, fields: Fields, body: string, to: string): void {
  traced(log, `${status} ${reason}`, fields, body, to)
}

function traced(log: Log, line: string, fields: Fields, body: string, to: string): void {
  if (log.wants['low-level']) log.lowLevel({ what: 'sip_sent', line, to, through: 'drachtio' })
  if (!log.wants.all) return
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
  log.all({ what: 'sip_sent_text', to, text: blankSip(`${line}\r\n${head.join('')}\r\n${body}`) })
}
