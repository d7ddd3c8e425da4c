/** A client over BOSH for tests: says what the test says, one body at a time, with ids of its own counting. */
import { request as requestInClear } from 'node:http'
import { request as requestSecurely } from 'node:https'
import { type Element, el } from '../../src/xml/element.ts'
import { parseElement } from '../../src/xml/parse-element.ts'
import { writeAlone } from '../../src/xml/write.ts'
import { NS_BIND, NS_CLIENT } from './client.ts'
import { NS_SASL } from './sasl-answers.ts'
import { DOMAIN, PASSWORD } from './stream-house.ts'

export const NS_BOSH = 'http://jabber.org/protocol/httpbind'
export const XBOSH = '{urn:xmpp:xbosh}'

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Asking {
  readonly answer: Promise<Answered>
  abort(): void
}

/** One HTTP request with this text. */
export function post(
  url: string,
  text: string,
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'text/xml; charset=utf-8' },
): Asking {
  const request = url.startsWith('https:') ? requestSecurely : requestInClear
  const length = { 'Content-Length': String(Buffer.byteLength(text)) }
  const sent = request(url, { method: 'POST', headers: { ...headers, ...length }, rejectUnauthorized: false })
  const answer = new Promise<Answered>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (response) => {
      let heard = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        heard += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: heard }))
      response.on('error', reject)
    })
  })
  sent.end(text)
  return { answer, abort: () => sent.destroy() }
}

export class BoshClient {
  sid: string | undefined
  rid = 4_000_000

  constructor(
    readonly url: string,
    readonly headers?: Readonly<Record<string, string>>,
  ) {}

  /** What a body with the next id is, without sending it. */
  body(attrs: Readonly<Record<string, string>> = {}, ...content: readonly Element[]): string {
    return writeAlone(el('body', NS_BOSH, { rid: String(this.rid++), sid: this.sid, ...attrs }, ...content))
  }

  say(attrs: Readonly<Record<string, string>> = {}, ...content: readonly Element[]): Promise<Element> {
    return this.post(this.body(attrs, ...content))
  }

  async post(text: string): Promise<Element> {
    const { text: heard } = await post(this.url, text, this.headers).answer
    return parseElement(heard)
  }

  /** Answers the body with the features. */
  async create(attrs: Readonly<Record<string, string>> = {}): Promise<Element> {
    const created = await this.say({ to: DOMAIN, wait: '5', hold: '1', ver: '1.11', [`${XBOSH}version`]: '1.0', ...attrs })
    this.sid = created.attr('sid')
    return created
  }

  async login(user: string, resource: string): Promise<void> {
    await this.create()
    await this.authenticate(user)
    await this.say({ to: DOMAIN, [`${XBOSH}restart`]: 'true' })
    const bind = el('bind', NS_BIND, {}, el('resource', NS_BIND, {}, resource))
    await this.say({}, el('iq', NS_CLIENT, { type: 'set', id: 'bind' }, bind))
  }

  async authenticate(user: string): Promise<void> {
    const auth = el('auth', NS_SASL, { mechanism: 'PLAIN' }, Buffer.from(`\0${user}\0${PASSWORD}`).toString('base64'))
    const answer = await this.say({}, auth)
    if (answer.firstElement()?.name !== 'success') throw new Error('the login failed')
  }
}
