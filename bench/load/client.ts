/** One lean client session: a raw socket, a login by text search, then chunks for whoever reads them. No XML is parsed. */
import { connect, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext } from 'node:tls'
import { Scram } from './scram.ts'

export interface Place {
  readonly port: number
  readonly domain: string
  readonly password: string
}

export interface Login {
  readonly user: string
  readonly tls: boolean
  /** The first of these that the server offers. */
  readonly mechanisms: readonly string[]
}

/** The server has none of the mechanisms asked for: nothing to measure, and nothing wrong. */
export class NotOffered extends Error {}

const context = createSecureContext()
const patienceMs = 30_000

export class Client {
  /** Where text goes once the login is over. */
  onText: ((text: string) => void) | undefined
  onEnd: (() => void) | undefined
  jid = ''
  mechanism = ''
  #socket: Socket
  #text = ''
  #wanted: string[] = []
  #found: ((text: string) => void) | undefined
  #failed: ((cause: Error) => void) | undefined
  #end: Error | undefined

  private constructor(
    socket: Socket,
    readonly place: Place,
    readonly login: Login,
  ) {
    this.#socket = socket
    this.#listen(socket)
  }

  static async open(place: Place, login: Login): Promise<Client> {
    const socket = connect({ port: place.port, host: '127.0.0.1', noDelay: true })
    const client = new Client(socket, place, login)
    try {
      await client.#login()
    } catch (cause) {
      socket.destroy()
      throw cause
    }
    return client
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  /** One write; goes out at once. */
  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Resolves when the connection is gone. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#end) return resolve()
      this.onEnd = resolve
      this.#socket.end('</stream:stream>')
      setTimeout(() => this.#socket.destroy(), 2_000).unref()
    })
  }

  async #login(): Promise<void> {
    let features = await this.#openStream()
    if (this.login.tls) {
      const proceed = await this.#ask(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`, ['<proceed', '<failure'])
      if (!proceed.includes('<proceed')) throw new Error(`no STARTTLS: ${proceed}`)
      await this.#startTls()
      features = await this.#openStream()
    }
    await this.#authenticate(features)
    await this.#openStream()
    const bound = await this.#ask(`<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`, ['</iq>'])
    const jid = /<jid>([^<]+)<\/jid>/.exec(bound)?.[1]
    if (jid === undefined) throw new Error(`not bound: ${bound}`)
    this.jid = jid
  }

  #openStream(): Promise<string> {
    const { domain } = this.place
    const open = `<?xml version='1.0'?><stream:stream to='${domain}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
    return this.#ask(open, ['</stream:features>', '<stream:features/>'])
  }

  async #authenticate(features: string): Promise<void> {
    const offered = [...features.matchAll(/<mechanism[^>]*>([^<]+)</g)].map((match) => match[1])
    const mechanism = this.login.mechanisms.find((name) => offered.includes(name))
    if (mechanism === undefined) throw new NotOffered(`none of ${this.login.mechanisms.join(', ')} in ${features}`)
    this.mechanism = mechanism
    const { user } = this.login
    const { password } = this.place
    const ns = `xmlns='urn:ietf:params:xml:ns:xmpp-sasl'`
    if (mechanism === 'PLAIN') {
      const answer = await this.#ask(`<auth ${ns} mechanism='PLAIN'>${base64(`\0${user}\0${password}`)}</auth>`, ['<success', '<failure'])
      if (!answer.includes('<success')) throw new Error(`PLAIN refused: ${answer}`)
      return
    }
    const scram = new Scram(mechanism === 'SCRAM-SHA-1' ? 'sha1' : 'sha256', user, password)
    const challenge = await this.#ask(`<auth ${ns} mechanism='${mechanism}'>${base64(scram.first())}</auth>`, ['</challenge>', '<failure'])
    const proof = base64(scram.final(content(challenge, 'challenge')))
    scram.check(content(await this.#ask(`<response ${ns}>${proof}</response>`, ['</success>', '<failure']), 'success'))
  }

  #startTls(): Promise<void> {
    return new Promise((resolve, reject) => {
      const plain = this.#socket
      plain.removeAllListeners('data')
      // The certificate is the bench's own; no session is kept, so that each login is a full handshake.
      const secure = connectTls({ socket: plain, servername: this.place.domain, rejectUnauthorized: false, secureContext: context })
      this.#socket = secure
      this.#listen(secure)
      secure.once('secureConnect', () => resolve())
      secure.once('error', reject)
    })
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      if (this.onText) this.onText(text)
      else this.#collect(text)
    })
    socket.on('error', (cause: Error) => this.#ended(cause))
    socket.on('close', () => this.#ended(new Error(`the server closed the connection: ${this.#text.slice(-300)}`)))
  }

  #ended(cause: Error): void {
    this.#end ??= cause
    this.#failed?.(cause)
    this.onEnd?.()
  }

  #collect(text: string): void {
    this.#text += text
    if (!this.#found || !this.#wanted.some((token) => this.#text.includes(token))) return
    const found = this.#found
    this.#found = undefined
    const all = this.#text
    this.#text = ''
    found(all)
  }

  #ask(text: string, wanted: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#end) return reject(this.#end)
      const timer = setTimeout(() => reject(new Error(`no ${wanted.join(' or ')} within ${patienceMs} ms, but: ${this.#text}`)), patienceMs)
      this.#wanted = wanted
      this.#found = (all) => {
        clearTimeout(timer)
        resolve(all)
      }
      this.#failed = (cause) => {
        clearTimeout(timer)
        reject(cause)
      }
      this.send(text)
    })
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function content(xml: string, name: string): string {
  const found = new RegExp(`<${name}[^>]*>([^<]*)</${name}>`).exec(xml)?.[1]
  if (found === undefined) throw new Error(`no <${name}/> but: ${xml}`)
  return Buffer.from(found, 'base64').toString()
}

/** Opens many, `width` at a time, and calls each as it comes. */
export async function openMany(place: Place, logins: readonly Login[], width = 16): Promise<Client[]> {
  const clients: Client[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      const at = next++
      const login = logins[at]
      if (login === undefined) return
      clients[at] = await Client.open(place, login)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return clients
}
