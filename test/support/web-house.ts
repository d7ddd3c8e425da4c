/** The public web server in front of the streams of a stream house, on free ports of the loopback interface. */

import { BOSH_PATH, mountBosh } from '../../src/http/bosh.ts'
import { mountHostMeta, type Offer } from '../../src/http/host-meta.ts'
import { HTTP_LIMITS, type HttpLimits } from '../../src/http/limits.ts'
import { Origins } from '../../src/http/origins.ts'
import { WebServer } from '../../src/http/server.ts'
import { mountWebSocket, WEBSOCKET_PATH } from '../../src/http/websocket.ts'
import type { Restrictions } from '../../src/stream/admission.ts'
import { BOSH_LIMITS, type BoshLimits } from '../../src/stream/bosh/limits.ts'
import type { BoshSessions } from '../../src/stream/bosh/sessions.ts'
import { STREAM_LIMITS } from '../../src/stream/limits.ts'
import { TlsDoor } from '../../src/stream/tls.ts'
import type { Client } from './client.ts'
import { DOMAIN, type HouseOptions, PASSWORD, type StreamHouse, streamHouse } from './stream-house.ts'
import { type Framed, overWebSocket } from './web-socket-client.ts'

export interface WebOptions extends HouseOptions {
  readonly web?: Restrictions
  readonly trustedProxies?: readonly string[]
  readonly origins?: readonly string[]
  readonly publicUrl?: string
  readonly http?: Partial<HttpLimits>
  readonly webChannels?: number
  readonly bosh?: Partial<BoshLimits>
}

export interface WebHouse {
  readonly streams: StreamHouse
  readonly web: WebServer
  readonly port: number
  readonly tlsPort: number
  readonly bosh: BoshSessions
  readonly ws: string
  readonly wss: string
  /** Over wss: logged in and bound. */
  session(user: string, resource: string): Promise<Framed>
  stop(): Promise<void>
}

export async function webHouse(options: WebOptions = {}): Promise<WebHouse> {
  const streams = await streamHouse(options)
  const limits = { ...HTTP_LIMITS, ...options.http }
  const streamLimits = { ...STREAM_LIMITS, ...options.limits }
  const tls = new TlsDoor(streams.identities, streamLimits.handshakeSeconds, undefined, ['http/1.1'])
  const here = { port: 0, address: '127.0.0.1', ...options.web }
  const web = new WebServer({
    listeners: [here, { ...here, tls: true }],
    channels: options.webChannels ?? 100,
    trustedProxies: options.trustedProxies ?? [],
    limits,
    tls,
    log: streams.log.tagged('HTTP'),
    door: (restrictions) => streams.service.door(restrictions),
  })
  const origins = new Origins(options.origins ?? [])
  mountWebSocket(web, origins, streamLimits, limits)
  const bosh = mountBosh(web, origins, { ...BOSH_LIMITS, ...options.bosh }, streamLimits.strangerStanzaMaxBytes)
  const offers: Offer[] = [
    { rel: 'urn:xmpp:alt-connections:websocket', path: WEBSOCKET_PATH },
    { rel: 'urn:xmpp:alt-connections:xbosh', path: BOSH_PATH },
  ]
  mountHostMeta(web, offers, options.publicUrl)
  const ports = await web.start()
  const portOf = (what: string) => ports.find((one) => one.what === what)?.port ?? 0
  const ws = `ws://127.0.0.1:${portOf('http')}${WEBSOCKET_PATH}`
  const wss = `wss://127.0.0.1:${portOf('https')}${WEBSOCKET_PATH}`
  return {
    streams,
    web,
    bosh,
    port: portOf('http'),
    tlsPort: portOf('https'),
    ws,
    wss,
    async session(user, resource) {
      const framed = await overWebSocket(wss)
      await login(framed.client, user, resource)
      return framed
    },
    async stop() {
      await streams.stop()
      await web.stop()
    },
  }
}

export async function login(client: Client, user: string, resource: string): Promise<void> {
  await client.open({ to: DOMAIN })
  await client.scram({ user, password: PASSWORD })
  await client.restart()
  await client.bind(resource)
}
