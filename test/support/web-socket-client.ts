/** A test client over WebSocket: the same sentences as over TCP, each in a message of its own (RFC 7395). */
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { type ClientOptions, WebSocket } from 'ws'
import { Element } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { openTag, writeAlone } from '../../src/xml/write.ts'
import { Client, NS_CLIENT, NS_STREAM } from './client.ts'

export const NS_FRAMING = 'urn:ietf:params:xml:ns:xmpp-framing'

export interface Framed {
  readonly client: Client
  readonly socket: WebSocket
  /** Every message that came, as it came. */
  readonly messages: readonly string[]
}

export async function overWebSocket(url: string, options: ClientOptions = {}): Promise<Framed> {
  const socket = new WebSocket(url, 'xmpp', { rejectUnauthorized: false, ...options })
  const messages: string[] = []
  const pipe = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      socket.send(framed(chunk.toString()))
      done()
    },
    destroy(_error, done) {
      socket.terminate()
      done(null)
    },
  })
  socket.on('message', (data) => {
    const text = String(data)
    messages.push(text)
    pipe.push(unframed(text))
  })
  socket.on('close', () => pipe.push(null))
  await once(socket, 'open')
  return {
    client: Client.over(pipe),
    socket,
    messages,
  }
}

/** What the client writes is one header, one element or the closing tag at a time. */
function framed(text: string): string {
  if (text === '</stream:stream>') return `<close xmlns='${NS_FRAMING}'/>`
  const header = /^<\?xml[^>]*><stream:stream[^>]*>$/.exec(text)
  if (!header) return writeAlone(parseElement(text, { ns: NS_CLIENT }))
  const { attrs } = parseElement(`${text.slice(text.indexOf('?>') + 2)}</stream:stream>`)
  return writeAlone(new Element('open', NS_FRAMING, attrs, []))
}

function unframed(text: string): string {
  const xml = parseElement(text)
  if (xml.is('open', NS_FRAMING)) return `<?xml version='1.0'?>${openTag(new Element('stream', NS_STREAM, xml.attrs, []), NS_CLIENT)}`
  return xml.is('close', NS_FRAMING) ? '</stream:stream>' : text
}
