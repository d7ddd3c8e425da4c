/** A telephone in a browser: sip.js, with a WebSocket that believes one certificate, as a browser whose user has accepted it. */
import { type Message, Messager, Registerer, RegistererState, UserAgent } from 'sip.js'
import { type ClientOptions, WebSocket } from 'ws'

export interface BrowserLine {
  readonly user: string
  readonly domain: string
  readonly password: string
  /** `ws://…` or `wss://…`. */
  readonly server: string
  /** In PEM. */
  readonly certificate: string
}

export class BrowserPhone {
  readonly #agent: UserAgent
  readonly #registerer: Registerer
  readonly #unread: Message[] = []
  readonly #readers: ((message: Message) => void)[] = []
  readonly #domain: string

  private constructor(line: BrowserLine) {
    const { user, domain, password, server, certificate } = line
    this.#domain = domain
    const uri = UserAgent.makeURI(`sip:${user}@${domain}`)
    if (!uri) throw new Error(`sip.js cannot read sip:${user}@${domain}`)
    this.#agent = new UserAgent({
      uri,
      authorizationUsername: user,
      authorizationPassword: password,
      transportOptions: { server, keepAliveInterval: 0, traceSip: false },
      logBuiltinEnabled: false,
      delegate: { onMessage: (message) => this.#take(message) },
    })
    this.#registerer = new Registerer(this.#agent, { expires: 600 })
    // The library takes the browser's own; Node 20 has none.
    class Believing extends WebSocket {
      constructor(address: string, subprotocol: string) {
        const options: ClientOptions & { servername: string } = { ca: certificate, servername: domain }
        super(address, subprotocol, options)
      }
    }
    Object.assign(globalThis, { WebSocket: Believing })
  }

  /** Connected, not registered. */
  static async connect(line: BrowserLine): Promise<BrowserPhone> {
    const phone = new BrowserPhone(line)
    await phone.#agent.start()
    return phone
  }

  async register(): Promise<void> {
    const registered = new Promise<void>((resolve, reject) =>
      this.#registerer.stateChange.addListener((state) => {
        if (state === RegistererState.Registered) resolve()
        if (state === RegistererState.Unregistered) reject(new Error('not registered'))
      }),
    )
    await this.#registerer.register()
    await registered
  }

  /** Resolves with the status of the final response. */
  async say(to: string, text: string): Promise<number> {
    const target = UserAgent.makeURI(`sip:${to}@${this.#domain}`)
    if (!target) throw new Error(`sip.js cannot read ${to}`)
    return new Promise((resolve, reject) => {
      const done = ({ message }: { readonly message: { readonly statusCode?: number | undefined } }) => resolve(message.statusCode ?? 0)
      new Messager(this.#agent, target, text, 'text/plain;charset=UTF-8')
        .message({ requestDelegate: { onAccept: done, onReject: done } })
        .catch(reject)
    })
  }

  /** The next message that nobody has read: who it is from, and its text. */
  async hears(): Promise<{ readonly from: string; readonly text: string }> {
    const message = this.#unread.shift() ?? (await new Promise<Message>((resolve) => this.#readers.push(resolve)))
    const { uri } = message.request.from
    return { from: `${uri.user}@${uri.host}`, text: message.request.body }
  }

  /** The connection goes without a word, as when a tab is closed. */
  async vanish(): Promise<void> {
    await this.#agent.transport.disconnect()
  }

  async stop(): Promise<void> {
    await this.#agent.stop()
  }

  #take(message: Message): void {
    void message.accept()
    const reader = this.#readers.shift()
    if (reader) reader(message)
    else this.#unread.push(message)
  }
}
