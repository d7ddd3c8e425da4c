/** What crossed the connection, as the log wants it: a line at `low-level`, the whole text without passwords at `all`. */
import { blankSip } from '../../log/blank-sip.ts'
import type { Log } from '../../log/log.ts'

export function traceReceived(log: Log, bytes: Buffer, from: string): void {
  if (log.wants['low-level']) log.lowLevel({ what: 'sip_received', line: firstLine(bytes), from, transport: 'websocket' })
  if (log.wants.all) log.all({ what: 'sip_received_text', from, text: blankSip(bytes.toString()) })
}

export function traceSent(log: Log, bytes: Buffer, to: string): void {
  if (log.wants['low-level']) log.lowLevel({ what: 'sip_sent', line: firstLine(bytes), to, transport: 'websocket' })
  if (log.wants.all) log.all({ what: 'sip_sent_text', to, text: blankSip(bytes.toString()) })
}

function firstLine(bytes: Buffer): string {
  const end = bytes.indexOf('\r\n')
  return bytes.toString('utf8', 0, end < 0 ? Math.min(bytes.length, 200) : end)
}
