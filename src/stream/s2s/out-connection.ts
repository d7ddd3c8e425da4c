/** One connection that we open to another server: its socket, its TLS, its bytes (RFC 6120 §3, §4, §5). What they mean is its conversation's affair. */
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { blankStanza } from '../../log/blank-stanza.ts'
import type { Log } from '../../log/log.ts'
import { NS_CLIENT } from '../../stanza/stanza.ts'
import { type Element, el } from '../../xml/element.ts'
import type { XmlLimits } from '../../xml/limits.ts'
import { type StreamHandler, StreamParser } from '../../xml/stream-parser.ts'
import { openTag, write, XML_DECLARATION } from '../../xml/write.ts'
import { NS_SERVER, NS_STREAM } from '../namespaces.ts'
import { Outlet } from '../outlet.ts'
import { read, type SocketOwner, stopReading, watch } from '../socket-events.ts'
import { CIPHERS } from '../tls.ts'
import type { ServerLimits } from './limits.ts'
import { SERVER_PREFIXES } from './namespaces.ts'

const CLOSING_TAG = '</stream:stream>'
/** XEP-0368 §3. */
const ALPN = 'xmpp-server'

export interface OutConversation {
  connected(): void
  secured(socket: TLSSocket): void
  opened(header: Element): void
  element(xml: Element): void
  /** No connection, no TLS, or no stream any more. Called once. */
  lost(how: Loss, why: string): void
}

/** `tls`: in the handshake; `closed`: the peer has said that it ends; `broken`: without a word, or for a reason of ours. */
export type Loss = 'unconnected' | 'tls' | 'closed' | 'broken'

export interface Dial {
  readonly host: string
  readonly port: number
  /** Undefined: whichever the system takes. */
  readonly localAddress: string | undefined
  /** All addresses of a name, the preferred one first. */
  addresses(name: string): Promise<readonly string[]>
}

export interface ClientTls {
  /** The domain that is asked for, as A-labels; undefined where it is an address. */
  readonly servername: string | undefined
  readonly identity: { readonly cert: string; readonly key: string } | undefined
  /** Undefined: those of the system. */
  readonly authorities: readonly string[] | undefined
  readonly isDirect: boolean
}

export class OutConnection implements StreamHandler, SocketOwner {
  #raw: Socket | undefined
  #socket: Socket | undefined
  #outlet: Outlet | undefined
  readonly #parser: StreamParser
  #state: 'connecting' | 'open' | 'securing' | 'closing' | 'over' = 'connecting'
  #timer: NodeJS.Timeout | undefined
  #error: string | undefined
  /** When the peer last said something, in milliseconds of the process. */
  heardAt = 0

  constructor(
    readonly conversation: OutConversation,
    readonly limits: ServerLimits,
    readonly log: Log,
    xml: XmlLimits,
  ) {
    this.#parser = new StreamParser(this, xml)
  }

  /** Happy eyeballs over all addresses of the name (RFC 8305): node tries the next one after 250 ms. */
  dial({ host, port, localAddress, addresses }: Dial): void {
    const family = localAddress === undefined ? 0 : isIP(localAddress)
    const lookup: LookupFunction = (name, options, done) => {
      addresses(name).then(
        (found) => {
          const usable = found.filter((one) => family === 0 || isIP(one) === family).map((address) => ({ address, family: isIP(address) }))
          const [first] = usable
          if (!first) return done(new Error(`${name} has no address that can be reached from here`), '')
          if (options.all) done(null, usable)
          else done(null, first.address, first.family)
        },
        (cause: Error) => done(cause, ''),
      )
    }
    const raw = connectTcp({
      host: host.replace(/^\[(.*)\]$/, '$1'),
      port,
      lookup,
      autoSelectFamily: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    this.#raw = raw
    this.#socket = raw
    watch(raw, this)
    this.#within(this.limits.connectSeconds, `no connection in ${this.limits.connectSeconds} seconds`)
    raw.once('connect', () => {
      if (this.#state !== 'connecting') return
      clearTimeout(this.#timer)
      this.#state = 'open'
      // What a dead socket would take for hours.
      this.#outlet = new Outlet(raw, Number.POSITIVE_INFINITY)
      this.conversation.connected()
    })
  }

  /** Reads, and says who we are; the peer answers with a header of its own. */
  open(from: string, to: string): void {
    this.#parser.restart()
    const header = el('stream', NS_STREAM, { from, to, version: '1.0', 'xml:lang': 'en' })
    this.#say(XML_DECLARATION + openTag(header, NS_SERVER, SERVER_PREFIXES))
    if (this.#socket && this.#socket.listenerCount('data') === 0) read(this.#socket)
    this.#parser.resume()
  }

  /** What follows belongs to the next stream: it is read when that is opened. */
  hold(): void {
    this.#parser.hold()
  }

  secure({ servername, identity, authorities, isDirect }: ClientTls): void {
    const raw = this.#raw
    if (!raw || this.#state !== 'open') return
    this.#parser.takeRest()
    stopReading(raw)
    this.#state = 'securing'
    this.#within(this.limits.handshakeSeconds, `no TLS in ${this.limits.handshakeSeconds} seconds`)
    const socket = connectTls({
      socket: raw,
      ...(servername === undefined ? {} : { servername }),
      ...(identity ? { cert: identity.cert, key: identity.key } : {}),
      ...(authorities ? { ca: [...authorities] } : {}),
      ...(isDirect ? { ALPNProtocols: [ALPN] } : {}),
      minVersion: 'TLSv1.2',
      ciphers: CIPHERS,
      // Whether it counts is decided by who knows what the operator wants; names are compared there too.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    })
    watch(socket, this)
    socket.once('secureConnect', () => {
      if (this.#state !== 'securing') return
      clearTimeout(this.#timer)
      this.#state = 'open'
      this.#socket = socket
      this.#outlet?.use(socket)
      this.conversation.secured(socket)
    })
  }

  /** One first-level element. Stanzas are in jabber:client in this house, and stand here without a namespace, which makes them those of the stream. */
  send(xml: Element): void {
    if (this.#state === 'open') this.#say(write(xml, NS_CLIENT, SERVER_PREFIXES))
  }

  /** Characters that no kernel has taken. */
  get unsent(): number {
    return this.#outlet?.waiting ?? 0
  }

  written(): Promise<void> {
    return this.#outlet?.written() ?? Promise.reject(new Error('there is no connection'))
  }

  #say(text: string): void {
    if (this.log.wants.all) this.log.all({ what: 'sent', xml: blankStanza(text) })
    this.#outlet?.write(text)
  }

  // --- in ---

  streamOpened(root: Element): void {
    if (this.#state === 'open') this.conversation.opened(root)
  }

  elementArrived(xml: Element): void {
    if (this.#state !== 'open') return
    if (this.log.wants.all) this.log.all({ what: 'received', xml: blankStanza(write(xml, NS_SERVER, SERVER_PREFIXES)) })
    this.conversation.element(xml)
  }

  streamClosed(): void {
    this.#end('closed', 'the other server has closed the stream')
  }

  received(chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.heardAt = performance.now()
    try {
      this.#parser.push(chunk)
    } catch (cause) {
      this.fail(cause instanceof Error ? cause.message : String(cause))
    }
  }

  // --- the end ---

  /** For a reason of ours. */
  fail(why: string): void {
    this.#end('broken', why)
  }

  /** Says goodbye. The conversation hears nothing more. */
  close(): void {
    if (this.#state === 'open') this.#leave()
    else this.#over()
  }

  peerEnded(): void {
    this.#end('broken', this.#error ?? 'the other server has ended the connection')
  }

  socketFailed(error: Error): void {
    this.#error = error.message === '' && 'code' in error ? String(error.code) : error.message
  }

  socketClosed(): void {
    this.#end('broken', this.#error ?? 'the connection has ended')
  }

  /** At once, without a goodbye. */
  destroy(): void {
    this.#over()
  }

  #end(how: Loss, why: string): void {
    const state = this.#state
    if (state === 'over') return
    if (state === 'closing') return this.#over()
    if (state === 'open') this.#leave()
    else this.#over()
    this.conversation.lost(state === 'connecting' ? 'unconnected' : state === 'securing' ? 'tls' : how, why)
  }

  #leave(): void {
    this.#state = 'closing'
    this.#outlet?.end(CLOSING_TAG)
    this.#socket?.resume()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#over(), 5_000).unref()
  }

  #over(): void {
    this.#state = 'over'
    clearTimeout(this.#timer)
    this.#outlet?.lost()
    this.#socket?.destroy()
    this.#raw?.destroy()
  }

  #within(seconds: number, why: string): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#end('broken', why), seconds * 1_000).unref()
  }
}
