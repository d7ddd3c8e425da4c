/** The WebSocket stack keeps the contract: two of them, with what they are connected to between them. */
import { afterEach } from 'vitest'
import { silent } from '../../../src/log/log.ts'
import type { Listening, NextHop, Serve, SipStack } from '../../../src/sip/port.ts'
import { WebSocketStack } from '../../../src/sip/websocket/stack.ts'
import { sipStackContract } from '../../contract/sip-stack.ts'
import { WebSocketPipe } from '../../support/websocket-pipe.ts'

const pipes: WebSocketPipe[] = []
afterEach(async () => {
  await Promise.all(pipes.splice(0).map((pipe) => pipe.close()))
})

/** Both ends of a world are connected to the same pipe, which is opened by the first. */
class EndOfPipe implements SipStack {
  readonly can
  readonly limits
  #stack: WebSocketStack | undefined

  constructor(
    private readonly world: { pipe: Promise<WebSocketPipe> | undefined },
    private readonly t1Ms: number,
  ) {
    const unconnected = new WebSocketStack({ url: 'ws://127.0.0.1:9', maxAccounts: 1 }, silent)
    this.can = unconnected.can
    this.limits = unconnected.limits
  }

  async start(serve: Serve): Promise<readonly Listening[]> {
    this.world.pipe ??= WebSocketPipe.open()
    const pipe = await this.world.pipe
    pipes.push(...(pipes.includes(pipe) ? [] : [pipe]))
    this.#stack = new WebSocketStack({ url: pipe.url, maxAccounts: 200, timers: { t1Ms: this.t1Ms } }, silent)
    await this.#stack.start(serve)
    return [{ what: 'sip/ws', address: '127.0.0.1', port: pipe.port }]
  }

  send: SipStack['send'] = (request, hop) => this.#started.send(request, hop)
  localFor = (hop: NextHop): NextHop => this.#started.localFor(hop)
  stop = (graceMs?: number): Promise<void> => this.#started.stop(graceMs)

  get #started(): WebSocketStack {
    if (!this.#stack) throw new Error('it is not started')
    return this.#stack
  }
}

sipStackContract('the WebSocket stack', () => {
  const world: { pipe: Promise<WebSocketPipe> | undefined } = { pipe: undefined }
  return {
    transport: 'ws',
    stack: (t1Ms) => new EndOfPipe(world, t1Ms),
    nowhere: { transport: 'ws', host: '127.0.0.1', port: 9 },
  }
}, ['broken requests', 'large messages', 'a place of its own'])
