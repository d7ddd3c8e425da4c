/** One application that is connected to the double, and what it may say. */
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { newBranch } from '../../src/sip/identifier.ts'
import { Headers, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import type { NextHop, Received } from '../../src/sip/port.ts'
import type { DrachtioDouble } from './drachtio-double.ts'
import { FrameReader, timeNow, writeFrame } from './drachtio-double-frames.ts'
import { hopOf, NotOk, requestOf, responseOf, spoken, textOf } from './drachtio-double-sip.ts'

const SEEN_MAX = 100

/** A request of the network that the application has not answered. */
export interface Pending {
  readonly received: Received
  resolve(final: SipResponse): void
}

export class DrachtioApplication {
  /** Verbs in small letters. */
  readonly routes = new Set<string>()
  /** By transaction. */
  readonly answers = new Map<string, Pending>()
  isThere = true
  pings = 0
  readonly #reader: FrameReader

  constructor(
    readonly double: DrachtioDouble,
    readonly socket: Socket,
  ) {
    this.#reader = new FrameReader(
      (payload, bytes) => this.#frame(payload, bytes),
      (why) => double.fault(why),
    )
    socket.on('data', (chunk: Buffer) => this.#reader.push(chunk))
  }

  write(payload: string): void {
    if (this.isThere && !this.double.isMute) writeFrame(this.socket, payload)
  }

  left(): void {
    this.isThere = false
    // A real server waits out its 32 s; so does this one, by the timers that are under way.
  }

  #frame(payload: string, bytes: number): void {
    const lineEnd = payload.indexOf('\r\n')
    const line = lineEnd < 0 ? payload : payload.slice(0, lineEnd)
    const [id = '', command = '', ...words] = line.split('|')
    this.#note(command, bytes, words[2] ?? '')
    try {
      this.#command(id, command, words, lineEnd < 0 ? '' : payload.slice(lineEnd + 2))
    } catch (cause) {
      if (!(cause instanceof NotOk)) throw cause
      this.#respond(id, `NOK|${cause.message}`)
    }
  }

  // A peer that never proves itself is served all the same.
  #command(id: string, command: string, words: readonly string[], text: string): void {
    const { double } = this
    const [first = '', second = '', third = ''] = words
    if (command === 'authenticate') this.#authenticate(id, first)
    else if (command === 'route') {
      this.routes.add(first)
      this.#respond(id, 'OK')
    } else if (command === 'remove_route') {
      this.routes.delete(first)
      this.#respond(id, 'OK')
    } else if (command === 'ping') {
      this.pings++
      this.#respond(id, 'OK')
    } else if (command !== 'sip') throw new NotOk(`unknown command ${command}`)
    else if (text.startsWith('SIP/')) this.#answer(id, first, text)
    else if (second !== '') this.#requestInDialog(id, second, text)
    else {
      const said = spoken(text)
      const request = requestOf(said, double.sockets)
      this.#send(id, request, third === '' ? hopOf(request.uri) : hopOf(third), '')
    }
  }

  #authenticate(id: string, secret: string): void {
    const { double } = this
    if (secret !== double.secret) {
      this.#respond(id, 'NO|incorrect secret')
      this.socket.end()
      double.emit('refused', this)
      return
    }
    this.#respond(id, `OK|${double.hostPorts}|${double.version}|${double.hostPorts}`)
    double.emit('application', this)
  }

  #answer(id: string, transaction: string, text: string): void {
    const pending = this.answers.get(transaction)
    if (!pending) throw new NotOk('transaction not found')
    const { request, from } = pending.received
    const made = responseOf(spoken(text), request, this.double.sockets)
    this.#sent(id, from, `${transaction}|||Msg sent:|`, textOf(made))
    pending.resolve(made)
  }

  #requestInDialog(id: string, dialogId: string, text: string): void {
    const dialog = this.double.dialogs.get(dialogId)
    if (!dialog) throw new NotOk('unable to find dialog for dialog id provided')
    const said = spoken(text)
    const request = dialog.request(said.start.split(' ')[0] ?? '', said)
    this.#send(id, request, dialog.hop, dialogId)
    if (/^\s*terminated/i.test(request.headers.get('Subscription-State') ?? '')) this.double.dialogs.end(request)
  }

  #send(id: string, request: SipRequest, hop: NextHop, dialogId: string): void {
    const transaction = randomUUID()
    const { double } = this
    const own = double.sockets.find(({ transport }) => transport === hop.transport)
    if (!own) throw new NotOk('requested protocol/transport not available')
    const via = `SIP/2.0/${hop.transport.toUpperCase()} ${own.host}:${own.port};branch=${newBranch()};rport`
    const { method, uri, headers, body } = request
    this.#sent(id, hop, `${transaction}|Msg sent:|`, textOf(new SipRequest(method, uri, new Headers(['Via', via, ...headers.list]), body)))
    double.carry(this, request, hop, transaction, dialogId)
  }

  #sent(id: string, { transport, host, port }: NextHop, rest: string, text: string): void {
    this.#respond(id, `OK|application|${text.length}|${transport}|${host}|${port}|${timeNow()}|${rest}\r\n${text}`)
  }

  #respond(id: string, words: string): void {
    if (this.double.isMute) return
    this.#reader.answered()
    this.write(`response|${id}|${words}`)
  }

  #note(kind: string, bytes: number, route: string): void {
    const { seen } = this.double
    seen.push({ kind, bytes, route })
    if (seen.length > SEEN_MAX) seen.shift()
  }
}
