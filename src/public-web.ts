/** The public web server as a gateway has it: what is mounted on it, in front of the streams' service. */
import type { Settings } from './config/settings.ts'
import { BOSH_PATH, mountBosh } from './http/bosh.ts'
import { mountHostMeta } from './http/host-meta.ts'
import { HTTP_LIMITS } from './http/limits.ts'
import { Origins } from './http/origins.ts'
import { WebServer } from './http/server.ts'
import { mountWebSocket, WEBSOCKET_PATH } from './http/websocket.ts'
import type { Log } from './log/log.ts'
import { BOSH_LIMITS } from './stream/bosh/limits.ts'
import type { Identity } from './stream/certificate.ts'
import { STREAM_LIMITS } from './stream/limits.ts'
import type { StreamService } from './stream/listener.ts'
import { TlsDoor } from './stream/tls.ts'

export interface PublicWeb {
  readonly server: WebServer
  reload(identities: readonly Identity[]): void
}

/** RFC 7301: what browsers ask for beside HTTP/2. */
const PROTOCOLS = ['http/1.1']

export function publicWeb({ http }: Pick<Settings, 'http'>, identities: readonly Identity[], streams: StreamService, log: Log): PublicWeb {
  const tls = new TlsDoor(identities, STREAM_LIMITS.handshakeSeconds, undefined, PROTOCOLS)
  const server = new WebServer({
    ...http,
    tls,
    limits: HTTP_LIMITS,
    log: log.tagged('HTTP'),
    door: (restrictions) => streams.door(restrictions),
  })
  const origins = new Origins(http.origins)
  mountWebSocket(server, origins, STREAM_LIMITS, HTTP_LIMITS)
  mountBosh(server, origins, BOSH_LIMITS, STREAM_LIMITS.strangerStanzaMaxBytes)
  const offers = [
    { rel: 'urn:xmpp:alt-connections:websocket', path: WEBSOCKET_PATH },
    { rel: 'urn:xmpp:alt-connections:xbosh', path: BOSH_PATH },
  ] as const
  mountHostMeta(server, offers, http.publicUrl ?? undefined)
  return { server, reload: (next) => tls.reload(next) }
}
