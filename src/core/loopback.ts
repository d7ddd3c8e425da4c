/** `sip.loopback: true`: every signal and every answer takes the wire's form once, so that the short cut inside the house cannot become a simulation. */
import { parseMessage, print } from '../sip/codec.ts'
import { SipRequest, SipResponse } from '../sip/message.ts'
import { PlainAnswer, WireAnswer } from './answer.ts'
import { NO_REALM } from './own-credentials.ts'
import type { Answer, Core, HopPolicy, MaybePromise, Signal } from './port.ts'
import { RefusedError } from './port.ts'
import { WireSignal } from './wire-signal.ts'

/** As towards a node of our own. */
export const LOOPBACK: HopPolicy = {
  xmppData: 'header',
  xmppDataHeaderBytes: 8_000,
  fullXmppData: false,
  fromGruu: true,
  maxMessageBytes: 1_048_576,
}

const HERE = { transport: 'tcp', host: '127.0.0.1', port: 5060 } as const

export class Loopback implements Core {
  constructor(readonly core: Core) {}

  submit(signal: Signal): MaybePromise<Answer> {
    if (signal.received) return this.core.submit(signal)
    let request: SipRequest
    try {
      request = signal.requestFor(LOOPBACK)
    } catch (cause) {
      if (cause instanceof RefusedError) return new PlainAnswer(cause.status, cause.reason, cause.headers)
      throw cause
    }
    const read = parseMessage(print(withVia(request)))
    if (!(read instanceof SipRequest)) throw new Error('a printed request was read as a response')
    const answer = this.core.submit(WireSignal.of(read, signal.arrival, undefined, NO_REALM))
    return answer instanceof Promise ? answer.then((late) => overWire(late, read)) : overWire(answer, read)
  }
}

/** What the stack adds on every hop. */
function withVia(request: SipRequest): SipRequest {
  const headers = request.headers.copy()
  headers.prepend('Via', `SIP/2.0/TCP ${HERE.host}:${HERE.port};branch=z9hG4bKloopback`)
  headers.set('Content-Length', String(request.body.length))
  return new SipRequest(request.method, request.uri, headers, request.body)
}

function overWire(answer: Answer, request: SipRequest): Answer {
  // A response that never came has no form to take.
  if (answer.failure) return answer
  const response = answer.responseFor(LOOPBACK)
  const headers = response.headers.copy()
  for (const name of ['CSeq', 'Call-ID', 'To', 'From', 'Via']) headers.prepend(name, request.headers.get(name) ?? '')
  headers.set('Content-Length', String(response.body.length))
  const read = parseMessage(print(new SipResponse(response.status, response.reason, headers, response.body)))
  if (!(read instanceof SipResponse)) throw new Error('a printed response was read as a request')
  return new WireAnswer(read, true)
}
