/** XMPP over WebSocket (RFC 7395) on the web server: the handshake, and pings for those who cannot ping. */
import { type WebSocket, WebSocketServer } from 'ws'
import type { StreamLimits } from '../stream/limits.ts'
import { WebSocketPipe } from '../stream/websocket/pipe.ts'
import type { HttpLimits } from './limits.ts'
import type { Origins } from './origins.ts'
import { refuse, type WebServer } from './server.ts'

export const WEBSOCKET_PATH = '/xmpp-websocket'
/** RFC 7395 §3.1. */
const SUBPROTOCOL = 'xmpp'
/** What the masks and headers of a stranger's messages take beside what it says. */
const FRAMING_FACTOR = 2

export function mountWebSocket(web: WebServer, origins: Origins, streams: StreamLimits, limits: HttpLimits): void {
  const pipes = new Set<WebSocketPipe>()
  const pipeLimits = { strangerMaxBytes: FRAMING_FACTOR * streams.strangerMaxBytes, pongsMaxBytes: limits.pongsMaxBytes }
  const upgrades = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // It would cost 300 KiB for each connection, and what is compressed beside a secret may tell of it.
    perMessageDeflate: false,
    maxPayload: streams.stanzaMaxBytes,
    handleProtocols: () => SUBPROTOCOL,
  })
  web.onUpgrade(WEBSOCKET_PATH, (request, socket, head, { remote, enter, protection }) => {
    if (!origins.permits(request.headers)) return refuse(socket, 403)
    const offered = String(request.headers['sec-websocket-protocol'] ?? '').split(',')
    // What speaks something else was not looking for us. ws itself would let it in without a subprotocol.
    if (!offered.some((one) => one.trim() === SUBPROTOCOL)) return refuse(socket, 400)
    upgrades.handleUpgrade(request, socket, head, (webSocket: WebSocket) => {
      const pipe = new WebSocketPipe(webSocket, socket, pipeLimits)
      pipes.add(pipe)
      pipe.on('close', () => pipes.delete(pipe))
      enter(pipe, remote, false, { framing: pipe, protection })
    })
  })
  web.app.get(WEBSOCKET_PATH, (_request, reply) =>
    reply.code(426).headers({ Upgrade: 'websocket', Connection: 'Upgrade' }).type('text/plain').send('XMPP over WebSocket\n'),
  )
  const pinging = setInterval(() => {
    for (const pipe of pipes) pipe.ping()
  }, limits.pingSeconds * 1000).unref()
  web.app.addHook('onClose', async () => clearInterval(pinging))
}
