/** The transports that a stack's settings ask for. */
import type { Log } from '../../log/log.ts'
import type { Transport } from '../port.ts'
import { Admission, type Gate } from './admission.ts'
import type { StreamListener, Surroundings } from './connections.ts'
import type { Limits } from './limits.ts'
import { LocalAddresses } from './local-address.ts'
import { TcpTransport } from './tcp.ts'
import { TlsTransport } from './tls.ts'
import type { TlsContexts } from './tls-contexts.ts'
import type { TransportLayer } from './transport.ts'
import { UdpTransport } from './udp.ts'
import { WebSocketTransport } from './ws.ts'

export interface Listener extends StreamListener {
  readonly transport: Transport
}

/** TCP is there for what we send even without a listener, as large requests need it; TLS too, where there are certificates. */
export function layersFor(
  listeners: readonly Listener[],
  tls: TlsContexts | undefined,
  gate: Gate | undefined,
  limits: Limits,
  log: Log,
): TransportLayer[] {
  const of = (transport: Transport) => listeners.filter((one) => one.transport === transport)
  const surroundings: Surroundings = { addresses: new LocalAddresses(), admission: new Admission(limits, gate), limits, log }
  const layers: TransportLayer[] = []
  if (of('udp').length > 0) layers.push(new UdpTransport(of('udp'), surroundings.addresses, log))
  layers.push(new TcpTransport(of('tcp'), surroundings))
  if (tls) layers.push(new TlsTransport(of('tls'), tls, surroundings))
  if (of('ws').length > 0) layers.push(new WebSocketTransport('ws', of('ws'), undefined, surroundings))
  if (of('wss').length > 0) layers.push(new WebSocketTransport('wss', of('wss'), certificatesFor('wss', tls), surroundings))
  if (of('tls').length > 0) certificatesFor('tls', tls)
  return layers
}

function certificatesFor(transport: Transport, tls: TlsContexts | undefined): TlsContexts {
  if (!tls) throw new Error(`a listener of ${transport} needs a certificate`)
  return tls
}
