/** Messages between clients and UDP telephones, either way, each checked for arrival and order. */
import { setTimeout as pause } from 'node:timers/promises'
import { scram } from './chat.ts'
import { type Client, openMany, type Place } from './client.ts'
import { type Exchange, Phone } from './phone.ts'
import { body, message, Sequence } from './sequence.ts'
import { drain, type Measured, measure, type Window } from './window.ts'

export interface TelephonyLoad {
  /** As many clients as telephones; client n writes to telephone n and the other way. */
  readonly pairs: number
  /** Messages a client has on the way; a telephone has one. */
  readonly inFlight: number
}

/** Accounts 0 to pairs − 1 have a client, the next `pairs` have a telephone. */
export class Telephony {
  private constructor(
    readonly pid: number,
    readonly place: Place & Exchange,
    readonly load: TelephonyLoad,
    readonly clients: readonly Client[],
    readonly phones: readonly Phone[],
  ) {}

  static async open(pid: number, place: Place & Exchange, load: TelephonyLoad): Promise<Telephony> {
    const logins = Array.from({ length: load.pairs }, (_, n) => ({ user: `u${n}`, tls: false, mechanisms: scram }))
    const clients = await openMany(place, logins)
    for (const client of clients) client.send('<presence/>')
    const phones: Phone[] = []
    for (let n = 0; n < load.pairs; n++) {
      const phone = new Phone(place, `u${load.pairs + n}`)
      await phone.register()
      phones.push(phone)
    }
    await pause(500)
    return new Telephony(pid, place, load, clients, phones)
  }

  async toPhones(window: Window): Promise<Measured> {
    let talking = true
    const sent = this.phones.map(() => 0)
    const problems: string[] = []
    const already = this.phones.map((phone) => phone.received)
    const say = (n: number, count: number): void => {
      let text = ''
      const to = `u${this.load.pairs + n}@${this.place.domain}`
      for (let k = 0; k < count; k++) {
        sent[n] = (sent[n] ?? 0) + 1
        text += message(to, (already[n] ?? 0) + (sent[n] ?? 0))
      }
      this.clients[n]?.send(text)
    }
    this.phones.forEach((phone, n) => {
      phone.onMessage = () => {
        if (talking) say(n, 1)
      }
      const client = this.clients[n]
      if (client)
        client.onText = (text) => {
          if (text.includes('error')) problems.push(text)
        }
      say(n, this.load.inFlight)
    })
    const received = (): number => this.phones.reduce((sum, phone, n) => sum + phone.received - (already[n] ?? 0), 0)
    const measured = await measure(this.pid, received, window)
    talking = false
    await drain(() => sent.reduce((sum, count) => sum + count, 0) - received())
    this.#complain(problems)
    return measured
  }

  async toClients(window: Window): Promise<Measured> {
    let talking = true
    const sent = this.phones.map(() => 0)
    let answered = 0
    const problems: string[] = []
    const heard = this.clients.map((client) => new Sequence(client, () => undefined))
    const say = (n: number): void => {
      sent[n] = (sent[n] ?? 0) + 1
      this.phones[n]?.message(`u${n}@${this.place.domain}`, body(sent[n] ?? 0), (status) => {
        answered++
        if (status !== 200) problems.push(`a telephone's message was answered ${status}`)
        else if (talking) say(n)
      })
    }
    this.phones.forEach((_, n) => {
      say(n)
    })
    const measured = await measure(this.pid, () => answered, window)
    talking = false
    const total = (): number => sent.reduce((sum, count) => sum + count, 0)
    await drain(() => total() - answered)
    await drain(() => total() - heard.reduce((sum, { received }) => sum + received, 0))
    for (const { problem } of heard) if (problem !== undefined) problems.push(problem)
    this.#complain(problems)
    return measured
  }

  /** Messages that telephones saw twice: how often an answer was lost or late. */
  get repeated(): number {
    return this.phones.reduce((sum, { repeated }) => sum + repeated, 0)
  }

  async close(): Promise<void> {
    await Promise.all(this.phones.map((phone) => phone.close()))
    await Promise.all(this.clients.map((client) => client.close()))
  }

  #complain(problems: string[]): void {
    for (const { problem } of this.phones) if (problem !== undefined) problems.push(problem)
    if (problems.length > 0) throw new Error(`${problems.length} problems, the first: ${problems[0]}`)
  }
}
