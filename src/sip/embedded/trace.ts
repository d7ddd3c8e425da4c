/** What crossed the wire, as the log wants it: a line at `low-level`, the whole text without passwords at `all`. */
import type { Log } from '../../log/log.ts'
import { print } from '../codec.ts'
import { SipRequest, type SipResponse } from '../message.ts'
import { hostPort, type Way } from './transport.ts'

/** What proves a password is as good as one to who can try many: the digest's response, and the whole of any other scheme. */
const DIGEST_RESPONSE = /^((?:proxy-)?authorization[ \t]*:[ \t]*digest\b.*?\bresponse[ \t]*=[ \t]*"?)[^",\r\n]*/gim
const OTHER_SCHEME = /^((?:proxy-)?authorization[ \t]*:[ \t]*(?!digest\b)\S+[ \t]+)[^\r\n]*/gim

export function traceReceived(log: Log, message: SipRequest | SipResponse, way: Way, host: string, port: number): void {
  const what = message instanceof SipRequest ? 'sip_request_received' : 'sip_response_received'
  if (log.wants['low-level']) {
    const line = message instanceof SipRequest ? message.method : `${message.status} ${message.reason}`
    log.lowLevel({ what, line, from: hostPort(host, port), transport: way.transport, callId: message.headers.get('call-id') })
  }
  if (log.wants.all) log.all({ what: `${what}_text`, from: hostPort(host, port), text: withoutSecrets(print(message).toString()) })
}

export function traceSent(log: Log, bytes: Buffer, way: Way, host: string, port: number): void {
  if (log.wants['low-level']) {
    const line = bytes.toString('utf8', 0, bytes.indexOf('\r\n'))
    log.lowLevel({ what: 'sip_sent', line, to: hostPort(host, port), transport: way.transport })
  }
  if (log.wants.all) log.all({ what: 'sip_sent_text', to: hostPort(host, port), text: withoutSecrets(bytes.toString()) })
}

export function withoutSecrets(text: string): string {
  return text.replace(DIGEST_RESPONSE, '$1***').replace(OTHER_SCHEME, '$1***')
}
