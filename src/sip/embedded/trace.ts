/** What crossed the wire, as the log wants it: a line at `low-level`, the whole text without passwords at `all`. */
import { blankSip } from '../../log/blank-sip.ts'
import type { Log } from '../../log/log.ts'
import { print } from '../codec.ts'
import { SipRequest, type SipResponse } from '../message.ts'
import { hostPort, type Way } from './transport.ts'

export function traceReceived(log: Log, message: SipRequest | SipResponse, way: Way, host: string, port: number): void {
  const what = message instanceof SipRequest ? 'sip_request_received' : 'sip_response_received'
  if (log.wants['low-level']) {
    const line = message instanceof SipRequest ? message.method : `${message.status} ${message.reason}`
    log.lowLevel({ what, line, from: hostPort(host, port), transport: way.transport, callId: message.headers.get('call-id') })
  }
  if (log.wants.all) log.all({ what: `${what}_text`, from: hostPort(host, port), text: blankSip(print(message).toString()) })
}

export function traceSent(log: Log, bytes: Buffer, way: Way, host: string, port: number): void {
  if (log.wants['low-level']) {
    const line = bytes.toString('utf8', 0, bytes.indexOf('\r\n'))
    log.lowLevel({ what: 'sip_sent', line, to: hostPort(host, port), transport: way.transport })
  }
  if (log.wants.all) log.all({ what: 'sip_sent_text', to: hostPort(host, port), text: blankSip(bytes.toString()) })
}
