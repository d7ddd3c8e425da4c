/** Components that others wrote, each in a process of its own: slixmpp, @xmpp/component, and biboumi, a gateway to IRC. */
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Arrivals } from './arrivals.ts'
import type { Folder } from './folder.ts'
import { MissingProgramError, Program } from './program.ts'

const PYTHON = '/usr/bin/python3'
const SLIXMPP = '/usr/lib/python3/dist-packages/slixmpp'
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export interface ComponentLogin {
  readonly domain: string
  readonly secret: string
  readonly port: number
  /** Whom its user hamlet wants to see. */
  readonly watches?: string
}

interface ComponentEvent {
  readonly event: 'online' | 'refused' | 'disconnected' | 'message' | 'presence'
  readonly condition?: string
  readonly from?: string
  readonly to?: string
  readonly body?: string
  readonly type?: string
}

/** A library that says everything back. */
export class EchoComponent {
  readonly #events: Arrivals<ComponentEvent>

  constructor(readonly program: Program) {
    const events = new Arrivals<ComponentEvent>(program.name)
    this.#events = events
    program.lines.listen((line) => {
      if (line.startsWith('{')) events.push(JSON.parse(line) as ComponentEvent)
    })
    void program.ended.then(() => events.close('its process ended'))
  }

  /** Resolves with `online`, or the condition it was refused with. */
  async outcome(): Promise<string> {
    const { event, condition } = await this.#events.take('an outcome', (one) => one.event === 'online' || one.event === 'refused', 20_000)
    return event === 'online' ? event : (condition ?? 'refused')
  }

  hears(body: string): Promise<ComponentEvent> {
    return this.#events.take(`the message "${body}"`, (one) => one.event === 'message' && one.body === body)
  }

  /** A presence of this type, from anybody at this bare address. */
  sees(bare: string, type: string): Promise<ComponentEvent> {
    const isIt = (one: ComponentEvent): boolean => one.event === 'presence' && one.type === type && one.from?.split('/')[0] === bare
    return this.#events.take(`${type} from ${bare}`, isIt)
  }

  async stop(): Promise<void> {
    await this.program.stop('SIGKILL')
  }
}

export function slixmppComponent({ domain, secret, port }: ComponentLogin): EchoComponent {
  if (!existsSync(SLIXMPP)) throw new MissingProgramError('slixmpp', 'python3-slixmpp')
  const args = ['-u', script('./slixmpp-component.py'), domain, secret, '127.0.0.1', String(port)]
  return new EchoComponent(Program.start({ command: PYTHON, args, package: 'python3-slixmpp', name: 'slixmpp' }))
}

export function xmppComponent({ domain, secret, port, watches }: ComponentLogin): EchoComponent {
  const args = [script('./xmpp-component-peer.mjs'), domain, secret, '127.0.0.1', String(port), ...(watches === undefined ? [] : [watches])]
  return new EchoComponent(Program.start({ command: process.execPath, args, package: 'nodejs', name: '@xmpp/component' }))
}

/** It speaks no word of its own on being let in or not: ask it for its version. */
export async function biboumi({ domain, secret, port }: ComponentLogin, folder: Folder): Promise<Program> {
  const file = folder.file('biboumi.cfg')
  const lines = [`hostname=${domain}`, `password=${secret}`, `port=${port}`, 'xmpp_server_ip=127.0.0.1', 'log_level=0']
  await writeFile(file, `${[...lines, `db_name=${folder.file('biboumi.sqlite')}`, 'identd_port=0'].join('\n')}\n`)
  return Program.start({ command: 'biboumi', args: [file], package: 'biboumi' })
}
