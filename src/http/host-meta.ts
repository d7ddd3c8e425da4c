/** XEP-0156: where the domain's WebSocket and BOSH are, for clients that can ask a web server but no DNS (RFC 6415). */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { writeDocument } from '../xml/document.ts'
import { el } from '../xml/element.ts'
import type { WebServer } from './server.ts'

const NS_XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0'
const PATH = '/.well-known/host-meta'
/** A name or an address, and a port: nothing that would break out of a link. */
const HOST = /^(?:[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i
/** XEP-0156 §5: any page may ask. */
const ANYBODY = { 'Access-Control-Allow-Origin': '*' }

/** One way into the house, as host-meta names it. */
export interface Offer {
  readonly rel: 'urn:xmpp:alt-connections:websocket' | 'urn:xmpp:alt-connections:xbosh'
  readonly path: string
}

interface Link {
  readonly rel: string
  readonly href: string
}

/** `publicUrl`: as browsers reach the server; undefined: as whoever asks has reached it. */
export function mountHostMeta(web: WebServer, offers: readonly Offer[], publicUrl: string | undefined): void {
  const answer = (request: FastifyRequest, reply: FastifyReply, write: (links: readonly Link[]) => unknown, type: string) => {
    const base = publicUrl ?? asked(web, request)
    reply.headers(ANYBODY)
    if (base === undefined) return reply.code(400).type('text/plain').send('The request does not say whom it is for\n')
    return reply.type(type).send(write(offers.map((offer) => linkOf(offer, base))))
  }
  web.app.get(PATH, (request, reply) => answer(request, reply, xrd, 'application/xrd+xml; charset=utf-8'))
  web.app.get(`${PATH}.json`, (request, reply) => answer(request, reply, json, 'application/json; charset=utf-8'))
}

function asked(web: WebServer, request: FastifyRequest): string | undefined {
  const { host = '' } = request.raw.headers
  const isSecure = web.callerOf(request.raw).protection !== undefined
  return HOST.test(host) ? `${isSecure ? 'https' : 'http'}://${host}` : undefined
}

function linkOf({ rel, path }: Offer, base: string): Link {
  const url = base.replace(/\/$/, '') + path
  return { rel, href: rel.endsWith(':websocket') ? url.replace(/^http/, 'ws') : url }
}

const xrd = (links: readonly Link[]): string =>
  writeDocument(el('XRD', NS_XRD, {}, ...links.map((link) => el('Link', NS_XRD, { ...link }))))
const json = (links: readonly Link[]): string => JSON.stringify({ links })
