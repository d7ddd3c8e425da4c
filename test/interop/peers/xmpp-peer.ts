/** An XMPP client library in a process of its own, which takes commands and tells events as lines of JSON. */
import { Arrivals } from './arrivals.ts'
import { type Invocation, Program } from './program.ts'

/** Where to log in, and as whom. */
export interface Login {
  /** user@domain. */
  readonly jid: string
  readonly password: string
  readonly resource: string
  readonly host: string
  readonly port: number
  /** PEM file that the server's certificate must be signed by: nobody turns verification off. */
  readonly certificate: string
  /** Whether to send initial presence; a session without it gets no message to the bare address. */
  readonly presence?: boolean
  /** Whether to ask for the list of contacts first: whoever has not hears nothing of requests and consent (slixmpp alone). */
  readonly roster?: boolean
}

export interface PeerEvent {
  readonly event:
    | 'online'
    | 'refused'
    | 'unreachable'
    | 'streamError'
    | 'disconnected'
    | 'message'
    | 'presence'
    | 'roster'
    | 'asked'
    | 'answered'
    | 'wrote'
    | 'mistake'
  readonly jid?: string
  readonly mechanism?: string | null
  readonly cipher?: string | null
  readonly from?: string
  readonly to?: string
  readonly id?: string
  readonly type?: string
  readonly body?: string | null
  readonly subject?: string | null
  /** The defined condition of a stanza, stream or SASL error. */
  readonly condition?: string | null
  readonly errorType?: string | null
  readonly text?: string | null
  /** Of presence, whose `text` is its status; slixmpp alone. */
  readonly show?: string | null
  readonly children?: Readonly<Record<string, string>>
  /** The stanza as the library prints it. */
  readonly xml?: string
}

const NS_VERSION = 'jabber:iq:version'
const NS_QUESTION = 'urn:example:question'

let lastId = 0

export class XmppPeer {
  readonly events: Arrivals<PeerEvent>
  readonly program: Program

  constructor(
    invocation: Invocation,
    readonly login: Login,
  ) {
    const program = Program.start(invocation)
    this.program = program
    const events = new Arrivals<PeerEvent>(`${program.name} as ${login.jid}`)
    this.events = events
    readEvents(program, events)
    program.write(`${JSON.stringify({ presence: true, ...login })}\n`)
  }

  /** Resolves with the session as it stands: full address, SASL mechanism and cipher. */
  async online(): Promise<{ jid: string; mechanism: string; cipher: string }> {
    const event = await this.events.take(
      'being online',
      ({ event }) => event === 'online' || event === 'refused' || event === 'unreachable',
      20_000,
    )
    if (event.event !== 'online') throw new Error(`${this.login.jid} is not let in: ${event.condition ?? event.text}`)
    return { jid: event.jid ?? '', mechanism: event.mechanism ?? '', cipher: event.cipher ?? '' }
  }

  get jid(): string {
    return `${this.login.jid}/${this.login.resource}`
  }

  /** Returns the stanza's id. */
  say(to: string, body: string, type: 'chat' | 'normal' | 'headline' = 'chat'): string {
    const id = `m${++lastId}`
    this.#do({ do: 'message', id, to, body, type })
    return id
  }

  /** Resolves when the library has written it. */
  async sendXml(xml: string): Promise<void> {
    this.#do({ do: 'xml', xml })
    await this.events.take('its being written', ({ event }) => event === 'wrote')
  }

  message(what: string, match: (event: PeerEvent) => boolean, ms?: number): Promise<PeerEvent> {
    return this.events.take(what, (event) => event.event === 'message' && match(event), ms)
  }

  hears(body: string, ms?: number): Promise<PeerEvent> {
    return this.message(`the message "${body.slice(0, 60)}"`, (event) => event.type !== 'error' && event.body === body, ms)
  }

  /** The error that comes back for the message with this id. */
  refusal(id: string, ms?: number): Promise<PeerEvent> {
    return this.message(`the error for message ${id}`, (event) => event.type === 'error' && event.id === id, ms)
  }

  /** Presence: to everybody who may see it, or to one address (slixmpp alone). */
  shows(presence: { readonly to?: string; readonly type?: string; readonly show?: string; readonly text?: string } = {}): void {
    this.#do({ do: 'presence', ...presence })
  }

  /** The next time the list of contacts, or a push of it, has that contact like that: `from`, `both`, `none ask`, `remove` … */
  lists(jid: string, how: string, ms?: number): Promise<PeerEvent> {
    return this.events.take(`${jid} as ${how}`, (event) => event.event === 'roster' && event.jid === jid && event.type === how, ms)
  }

  /** The next presence from that bare address that is of this kind: its type (`available` where it has none), or its show. */
  sees(from: string, kind: string | RegExp, ms?: number): Promise<PeerEvent> {
    const matches = (word: string | null | undefined) => (typeof kind === 'string' ? word === kind : kind.test(word ?? ''))
    return this.events.take(
      `presence ${kind} from ${from}`,
      (event) =>
        event.event === 'presence' &&
        (event.from === from || event.from?.startsWith(`${from}/`) === true) &&
        (matches(event.type) || matches(event.show) || (kind instanceof RegExp && matches(event.text))),
      ms,
    )
  }

  /** XEP-0092. */
  async version(of: string, ms?: number): Promise<Readonly<Record<string, string>>> {
    return (await this.#ask(of, NS_VERSION, 'query', ms)).children ?? {}
  }

  /** A question that the test itself answers on the other side. */
  async question(to: string, ms?: number): Promise<string | undefined> {
    return (await this.#ask(to, NS_QUESTION, 'question', ms)).children?.answer
  }

  asked(ms?: number): Promise<PeerEvent> {
    return this.events.take('a question', ({ event }) => event === 'asked', ms)
  }

  answer(question: PeerEvent, text: string): void {
    this.#do({ do: 'answer', id: question.id, to: question.from, text })
  }

  async iq(to: string, ns: string, name: string, ms?: number): Promise<PeerEvent> {
    const id = `q${++lastId}`
    this.#do({ do: 'ask', id, to, ns, name })
    return this.events.take(`the answer to ${id}`, (event) => event.event === 'answered' && event.id === id, ms)
  }

  /** Closes the stream and waits for the process to end. */
  async leave(): Promise<void> {
    if (this.program.isRunning) this.program.endInput()
    await this.program.end().catch(() => this.program.stop('SIGKILL'))
  }

  /** Dies without a word, as when the battery is empty. */
  async kill(): Promise<void> {
    await this.program.stop('SIGKILL')
  }

  async #ask(to: string, ns: string, name: string, ms?: number): Promise<PeerEvent> {
    const answer = await this.iq(to, ns, name, ms)
    if (answer.condition) throw new Error(`${to} answered ${ns} with ${answer.condition}: ${answer.text ?? ''}`)
    return answer
  }

  #do(command: Readonly<Record<string, unknown>>): void {
    this.program.write(`${JSON.stringify(command)}\n`)
  }
}

/** Lines that are not JSON are the library's own warnings: they stay in the program's lines, for the report. */
function readEvents(program: Program, events: Arrivals<PeerEvent>): void {
  program.lines.listen((line) => {
    if (line.startsWith('{')) events.push(JSON.parse(line) as PeerEvent)
  })
  void program.ended.then(({ code, signal }) => {
    const said = program.lines.all.filter((line) => !line.startsWith('{')).slice(-5)
    events.close(`its process ended (${signal ?? `exit ${code}`}) ${said.join(' | ')}`)
  })
}
