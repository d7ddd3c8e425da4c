/** BOSH (XEP-0124) on the web server: each request is read whole, and answered when its session has something to say. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Reply } from '../stream/bosh/answers.ts'
import type { BoshLimits } from '../stream/bosh/limits.ts'
import { BoshSessions } from '../stream/bosh/sessions.ts'
import type { Origins } from './origins.ts'
import type { WebServer } from './server.ts'

export const BOSH_PATH = '/http-bind'
const XML = 'text/xml; charset=utf-8'
/** How long a browser need not ask again whether it may. */
const PREFLIGHT_SECONDS = '86400'

export function mountBosh(web: WebServer, origins: Origins, limits: BoshLimits, strangerMaxBytes: number): BoshSessions {
  const sessions = new BoshSessions(limits, strangerMaxBytes)
  let reading = 0
  web.app.register(async (app) => {
    app.removeAllContentTypeParsers()
    // Whatever the type: some clients name none, others text/plain so that a browser asks no permission.
    app.addContentTypeParser('*', (_request, payload, done) => {
      const chunks: Buffer[] = []
      let length = 0
      let isOver = false
      const finish = (error: Error | null, body?: Buffer): void => {
        if (isOver) return
        isOver = true
        reading -= length
        done(error, body)
      }
      payload.on('data', (chunk: Buffer) => {
        if (isOver) return
        length += chunk.length
        reading += chunk.length
        chunks.push(chunk)
        if (length > limits.bodyMaxBytes) finish(refusal(413, `A request has at most ${limits.bodyMaxBytes} bytes`))
        else if (reading > limits.readingMaxBytes) finish(refusal(503, 'Too much is being read at the moment'))
      })
      payload.on('end', () => finish(null, Buffer.concat(chunks)))
      payload.on('error', (error: Error) => finish(error))
      payload.on('close', () => finish(refusal(400, 'The request ended too early')))
    })
    app.post<{ Body: Buffer | undefined }>(BOSH_PATH, (request, reply) => {
      if (!origins.permits(request.raw.headers)) {
        reply.code(403).type('text/plain').send('This page may not connect here\n')
        return
      }
      reply.hijack()
      const headers = { ...origins.headers(request.raw.headers), 'Content-Type': XML, 'Cache-Control': 'no-store' }
      sessions.take(request.body ?? Buffer.alloc(0), web.callerOf(request.raw), replyOn(request.raw, reply.raw, headers))
    })
    app.options(BOSH_PATH, (request, reply) =>
      reply
        .code(204)
        .headers({
          ...origins.headers(request.raw.headers),
          'Access-Control-Allow-Methods': 'POST, OPTIONS',
          'Access-Control-Allow-Headers': 'Content-Type',
          'Access-Control-Max-Age': PREFLIGHT_SECONDS,
        })
        .send(),
    )
    app.get(BOSH_PATH, (_request, reply) => reply.code(405).header('Allow', 'POST, OPTIONS').type('text/plain').send('XMPP over BOSH\n'))
  })
  return sessions
}

function replyOn(request: IncomingMessage, response: ServerResponse, headers: Readonly<Record<string, string>>): Reply {
  return {
    send(text, taken) {
      if (response.headersSent || response.destroyed) return
      const bytes = Buffer.from(text)
      response.writeHead(200, { ...headers, 'Content-Length': bytes.length })
      response.end(bytes, taken)
    },
    onGone(gone) {
      response.once('close', () => {
        if (!response.headersSent) gone()
      })
      if (request.destroyed && !request.complete) gone()
    },
  }
}

function refusal(statusCode: number, message: string): Error {
  return Object.assign(new Error(message), { statusCode })
}
