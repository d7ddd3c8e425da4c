/** The demonstration from its first line to its last: a gateway, the play with its ladder, and then an open house. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../log/log.ts'
import { XmppClient } from './client.ts'
import { invitation } from './invitation.ts'
import { Ladder, type LadderOutput } from './ladder.ts'
import type { Palette } from './palette.ts'
import { type Cast, SCENES, type Scene } from './scenes.ts'
import { Telephone } from './telephone.ts'
import { DOMAIN, HOST, type TemporaryGateway, temporaryGateway } from './temporary-gateway.ts'
import { Watch } from './watch.ts'

export interface Demonstration {
  readonly output: LadderOutput
  readonly columns: () => number
  readonly palette: Palette
  readonly log: Log
  /** Ends when the play does. */
  readonly once: boolean
  /** Between two scenes, for who watches. */
  readonly pauseMs: number
  readonly stop: AbortSignal
}

/** Longer than any scene takes on a slow machine. */
const SCENE_MS = 20_000

/** Resolves when it is over and nothing of it is left; rejects where a scene did not come to its end. */
export async function demonstrate(settings: Demonstration): Promise<void> {
  const { output, columns, palette, log, once, stop } = settings
  const ladder = new Ladder(output, columns, palette, () => performance.now())
  const begun = performance.now()
  const gateway = await temporaryGateway(log)
  const company = new Company(gateway, new Watch(ladder), log)
  try {
    ladder.say(`Stoxgate on free ports of this machine, started in ${Math.round(performance.now() - begun)} ms.`, 'faint')
    ladder.say('')
    ladder.names()
    // Whatever a scene still waited for when somebody said stop, nobody wants any more.
    const stopped = new Promise<void>((resolve) => stop.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([perform(company, ladder, settings), stopped])
    if (stop.aborted) return
    if (once) return
    await invite(gateway, company, ladder)
    await stopped
  } finally {
    company.watch.close()
    if (stop.aborted) ladder.say('\nEnding: who is connected gets a few seconds to say goodbye (Ctrl-C once more: nobody does).', 'faint')
    await company.leave()
    await gateway.stop()
  }
}

async function perform(company: Company, ladder: Ladder, { pauseMs, stop }: Demonstration): Promise<void> {
  let number = 0
  let played = 0
  for (const scene of SCENES) {
    if (number > 0 && pauseMs > 0) await pause(pauseMs)
    if (stop.aborted) return
    ladder.scene(++number, scene.title, scene.remark)
    const begun = performance.now()
    await inTime(scene, company)
    played += performance.now() - begun
  }
  const { xmpp, sip } = company.watch.counts
  ladder.end(`${xmpp} stanzas and ${sip} SIP messages in ${(played / 1_000).toFixed(1)} s.`)
}

async function inTime(scene: Scene, cast: Cast): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`"${scene.title}" did not come to its end in ${SCENE_MS / 1_000} s`)), SCENE_MS)
  })
  try {
    await Promise.race([scene.play(cast), tooLate])
  } finally {
    clearTimeout(timer)
  }
}

async function invite(gateway: TemporaryGateway, company: Company, ladder: Ladder): Promise<void> {
  const lines = await invitation(gateway)
  ladder.say('')
  ladder.say('Now you. The gateway goes on running, for this machine; try', 'strong')
  ladder.say('')
  for (const line of lines) ladder.say(line)
  ladder.say('')
  ladder.say("Somebody is at romeo's telephone now, and answers. What reaches it, and juliet's client here,")
  ladder.say('goes on being drawn. Ctrl-C ends it all and leaves nothing behind.')
  ladder.say('')
  ladder.names()
  ladder.goLive()
  company.romeo.answerBack((text) => `I am only a demonstration, but I read: ${text}`)
}

/** Who plays, as far as they have entered. */
class Company implements Cast {
  readonly domain = DOMAIN
  #juliet: XmppClient | undefined
  #romeo: Telephone | undefined

  constructor(
    private readonly gateway: TemporaryGateway,
    readonly watch: Watch,
    private readonly log: Log,
  ) {}

  async julietEnters(): Promise<XmppClient> {
    const { portOf, passwords, certificate } = this.gateway
    const account = { user: 'juliet', domain: DOMAIN, resource: 'balcony', password: passwords.juliet }
    this.#juliet = await XmppClient.logIn({ host: HOST, port: portOf('xmpp'), ...account, certificate }, this.watch)
    return this.#juliet
  }

  async romeoEnters(): Promise<Telephone> {
    const { portOf, passwords } = this.gateway
    const settings = { host: HOST, port: portOf('sip/udp'), user: 'romeo', domain: DOMAIN, password: passwords.romeo }
    this.#romeo = await Telephone.switchOn(settings, this.watch, this.log)
    return this.#romeo
  }

  get juliet(): XmppClient {
    if (!this.#juliet) throw new Error('juliet has not entered')
    return this.#juliet
  }

  get romeo(): Telephone {
    if (!this.#romeo) throw new Error('romeo has not entered')
    return this.#romeo
  }

  async leave(): Promise<void> {
    await this.#juliet?.close()
    await this.#romeo?.switchOff()
  }
}
