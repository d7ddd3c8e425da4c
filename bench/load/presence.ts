/** Presence to everybody: some who say how they are, each to a hundred contacts, and the next only when all have heard the one before. */
import { setTimeout as pause } from 'node:timers/promises'
import { scram } from './chat.ts'
import { type Client, openMany, type Place } from './client.ts'
import { type Measured, measure, type Window } from './window.ts'

export interface PresenceLoad {
  readonly speakers: number
  /** Contacts of each. */
  readonly contacts: number
  readonly tls: boolean
}

const patienceMs = 60_000

/** As clients of today send it: a state, a sentence, what they can. */
const presence = (number: number): string =>
  `<presence id='p${number}'><show>away</show><status>${number} But, soft! what light through yonder window breaks?</status><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/></presence>`

class Speaker {
  heard = 0
  said = 0
  talking = false

  constructor(
    readonly client: Client,
    readonly contacts: number,
  ) {}

  say(): void {
    this.heard = 0
    this.client.send(presence(++this.said))
  }
}

export async function presences(pid: number, place: Place, load: PresenceLoad, window: Window): Promise<Measured> {
  const login = (n: number) => ({ user: `u${n}`, tls: load.tls, mechanisms: scram })
  const total = load.speakers + load.contacts
  const clients = await openMany(
    place,
    Array.from({ length: total }, (_, n) => login(n)),
  )
  const speakers = clients.slice(0, load.speakers).map((client) => new Speaker(client, load.contacts))
  const watchers = clients.slice(load.speakers)
  let heard = 0
  const reading = watchers.map((watcher) =>
    readFrom(watcher, (n) => {
      const speaker = speakers[n]
      if (!speaker) return
      heard++
      speaker.heard++
      if (speaker.talking && speaker.heard === speaker.contacts) speaker.say()
    }),
  )
  for (const client of clients) client.send(presence(0))
  await pause(500)
  for (const watcher of watchers)
    for (let n = 0; n < load.speakers; n++) watcher.send(`<presence to='u${n}@${place.domain}' type='subscribe'/>`)
  await pause(1_000)
  for (const { client } of speakers)
    for (let n = load.speakers; n < total; n++) client.send(`<presence to='u${n}@${place.domain}' type='subscribed'/>`)
  await until(() => speakers.every((speaker) => speaker.heard >= load.contacts), 'all contacts see all speakers')
  await pause(1_000)
  for (const speaker of speakers) {
    speaker.talking = true
    speaker.say()
  }
  const measured = await measure(pid, () => heard, window)
  for (const speaker of speakers) speaker.talking = false
  await until(() => speakers.every((speaker) => speaker.heard === load.contacts), 'everything that was said is heard')
  for (const problem of reading.map((read) => read()).filter((found) => found !== undefined)) throw new Error(problem)
  await Promise.all(clients.map((client) => client.close()))
  return measured
}

/** Tells whose presence came; what it returns says whether the connection has ended. */
function readFrom(client: Client, came: (speaker: number) => void): () => string | undefined {
  let rest = ''
  let problem: string | undefined
  client.onText = (chunk) => {
    const parts = (rest + chunk).split('</presence>')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const from = /<presence [^>]*from=['"]u(\d+)@[^>]*>(?:(?!<presence).)*$/s.exec(part)?.[1]
      if (from !== undefined) came(Number(from))
    }
  }
  client.onEnd = () => {
    problem ??= 'the connection ended'
  }
  return () => problem
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + patienceMs
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`not within ${patienceMs / 1_000} s: ${what}`)
    await pause(20)
  }
}
