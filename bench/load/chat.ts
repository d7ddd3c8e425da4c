/** Chat from client to client: pairs that always have a few messages on the way, each checked for arrival and order. */
import { setTimeout as pause } from 'node:timers/promises'
import { type Client, openMany, type Place } from './client.ts'
import { message, Sequence } from './sequence.ts'
import { drain, type Measured, measure, type Window } from './window.ts'

export interface ChatLoad {
  readonly sessions: number
  readonly inFlight: number
  readonly tls: boolean
  /** Address the other by its full or its bare address. */
  readonly to: 'full' | 'bare'
}

/** What clients really use today, strongest that all servers here offer first. */
export const scram: readonly string[] = ['SCRAM-SHA-1', 'SCRAM-SHA-256']

/** One end of a pair. */
class Speaker {
  other: Speaker | undefined
  sent = 0
  talking = false
  readonly heard: Sequence

  constructor(
    readonly client: Client,
    readonly to: string,
  ) {
    this.heard = new Sequence(client, (count) => {
      // The other end has as many fewer on the way: it says as many more, in one write.
      if (this.talking) this.other?.say(count)
    })
  }

  say(count: number): void {
    let text = ''
    for (let n = 0; n < count; n++) text += message(this.to, ++this.sent)
    this.client.send(text)
  }
}

export async function chat(pid: number, place: Place, load: ChatLoad, window: Window): Promise<Measured> {
  const logins = Array.from({ length: load.sessions }, (_, n) => ({ user: `u${n}`, tls: load.tls, mechanisms: scram }))
  const clients = await openMany(place, logins)
  for (const client of clients) client.send('<presence/>')
  await pause(500) // Presence has no answer to wait for where nobody watches.
  const speakers = pairs(clients, load.to)
  for (const speaker of speakers) speaker.talking = true
  for (const speaker of speakers) speaker.say(load.inFlight)
  const measured = await measure(pid, () => speakers.reduce((sum, { heard }) => sum + heard.received, 0), window)
  for (const speaker of speakers) speaker.talking = false
  await drain(() => speakers.reduce((sum, { sent, other }) => sum + sent - (other?.heard.received ?? 0), 0))
  for (const { client, heard } of speakers) if (heard.problem !== undefined) throw new Error(`${client.jid}: ${heard.problem}`)
  await Promise.all(clients.map((client) => client.close()))
  return measured
}

function pairs(clients: readonly Client[], to: ChatLoad['to']): Speaker[] {
  const speakers: Speaker[] = []
  for (let n = 0; n + 1 < clients.length; n += 2) {
    const [a, b] = [clients[n], clients[n + 1]]
    if (!a || !b) continue
    const [left, right] = [new Speaker(a, address(b, to)), new Speaker(b, address(a, to))]
    left.other = right
    right.other = left
    speakers.push(left, right)
  }
  return speakers
}

function address(client: Client, to: ChatLoad['to']): string {
  return to === 'full' ? client.jid : client.jid.slice(0, client.jid.indexOf('/'))
}
