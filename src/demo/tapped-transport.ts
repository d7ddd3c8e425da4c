/** A transport with a tap: every SIP message is shown as it leaves or arrives, retransmissions included, below everything that would hide them. */
import { parseMessage } from '../sip/codec.ts'
import type { Receiver, Sender, TransportLayer, Way } from '../sip/embedded/transport.ts'
import type { SipRequest, SipResponse } from '../sip/message.ts'
import type { Listening, NextHop, Transport } from '../sip/port.ts'

export interface Tap {
  sent(message: SipRequest | SipResponse): void
  received(message: SipRequest | SipResponse): void
}

export class TappedTransport implements TransportLayer {
  readonly transport: Transport

  constructor(
    private readonly layer: TransportLayer,
    private readonly tap: Tap,
  ) {
    this.transport = layer.transport
  }

  listen(receiver: Receiver): Promise<Listening[]> {
    return this.layer.listen({
      received: (message, way, host, port) => {
        this.tap.received(message)
        receiver.received(message, new TappedWay(way, this.tap), host, port)
      },
      broken: (error, way, host, port) => receiver.broken(error, new TappedWay(way, this.tap), host, port),
    })
  }

  wayTo(host: string, port: number, flow: string | undefined): Way {
    return new TappedWay(this.layer.wayTo(host, port, flow), this.tap)
  }

  localFor(host: string, flow: string | undefined): NextHop {
    return this.layer.localFor(host, flow)
  }

  refuseNew(): void {
    this.layer.refuseNew()
  }

  close(): Promise<void> {
    return this.layer.close()
  }
}

class TappedWay implements Way {
  constructor(
    private readonly way: Way,
    private readonly tap: Tap,
  ) {}

  get transport(): Transport {
    return this.way.transport
  }

  get isReliable(): boolean {
    return this.way.isReliable
  }

  get flow(): string {
    return this.way.flow
  }

  get isOpen(): boolean {
    return this.way.isOpen
  }

  localFor(host: string): NextHop {
    return this.way.localFor(host)
  }

  send(bytes: Buffer, host: string, port: number, sender?: Sender): void {
    this.tap.sent(parseMessage(bytes))
    this.way.send(bytes, host, port, sender)
  }

  forget(sender: Sender): void {
    this.way.forget(sender)
  }
}
