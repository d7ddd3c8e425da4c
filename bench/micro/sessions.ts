/**
 * What a session costs: RSS of an idle one, plain and over TLS, and CPU of a login, by mechanism. The stream room alone, in a process of its own.
 * `npx tsx bench/micro/sessions.ts [sessions] [logins]`. The whole gateway is measured by `npm run bench -- --only idle,login`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Client } from '../../test/support/client.ts'

const DOMAIN = 'xmpp.example'
const SESSIONS = Number(process.argv[2] ?? 2000)
const LOGINS = Number(process.argv[3] ?? 400)
const AT_ONCE = 8

interface State {
  readonly cpu: NodeJS.CpuUsage
  readonly rss: number
  readonly sessions: number
}

class Server {
  private constructor(
    private readonly process: ChildProcess,
    readonly port: number,
  ) {}

  static async start(accounts: number): Promise<Server> {
    const child = fork(fileURLToPath(new URL('./session-server.ts', import.meta.url)), [String(accounts)], {
      execArgv: ['--import', 'tsx', '--expose-gc'],
    })
    const [{ port }] = await once(child, 'message')
    return new Server(child, port)
  }

  async state(what: 'as it is' | 'collect' = 'as it is'): Promise<State> {
    this.process.send(what)
    const [state] = await once(this.process, 'message')
    return state
  }

  async stop(): Promise<void> {
    this.process.disconnect()
    await once(this.process, 'exit')
  }
}

type Login = (client: Client, user: string) => Promise<void>
const scram: Login = (client, user) => client.scram({ user, password: 'secret' })
const plus: Login = (client, user) => client.scram({ user, password: 'secret', binding: 'tls-exporter' })
const plain: Login = (client, user) => client.plain(user, 'secret')

async function session(port: number, number: number, secure: boolean, login: Login): Promise<Client> {
  const client = await Client.connect(port)
  await client.open({ to: DOMAIN })
  if (secure) await client.startTls()
  await login(client, `user${number}`)
  await client.restart()
  await client.bind('bench')
  client.say('<presence/>')
  return client
}

async function inTurn(from: number, to: number, one: (number: number) => Promise<void>): Promise<void> {
  let next = from
  const worker = async () => {
    while (next < to) await one(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function idle(secure: boolean): Promise<void> {
  const server = await Server.start(SESSIONS)
  const clients: Client[] = []
  const keep = async (number: number) => {
    clients.push(await session(server.port, number, secure, scram))
  }
  const first = SESSIONS / 4
  await inTurn(0, first, keep)
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const before = await server.state()
  const beforeCollected = await server.state('collect')
  await inTurn(first, SESSIONS, keep)
  await new Promise((resolve) => setTimeout(resolve, 5000))
  const after = await server.state()
  const afterCollected = await server.state('collect')
  const each = (a: State, b: State) => ((b.rss - a.rss) / 1024 / (b.sessions - a.sessions)).toFixed(1)
  console.log(
    `idle session, ${secure ? 'TLS  ' : 'plain'}: ${each(before, after)} KiB as it is, ${each(beforeCollected, afterCollected)} KiB after a collection`,
  )
  for (const client of clients) client.destroy()
  await server.stop()
}

async function logins(name: string, secure: boolean, login: Login): Promise<void> {
  const server = await Server.start(LOGINS)
  const one = async (number: number) => {
    const client = await session(server.port, number, secure, login)
    await client.close()
  }
  await inTurn(0, LOGINS / 4, one)
  const before = await server.state()
  await inTurn(0, LOGINS, one)
  const { cpu } = await server.state()
  const ms = (cpu.user + cpu.system - before.cpu.user - before.cpu.system) / 1000 / LOGINS
  console.log(`login, ${name}: ${ms.toFixed(2)} ms of CPU`)
  await server.stop()
}

await idle(false)
await idle(true)
await logins('STARTTLS and SCRAM-SHA-256     ', true, scram)
await logins('STARTTLS and SCRAM-SHA-256-PLUS', true, plus)
await logins('STARTTLS and PLAIN             ', true, plain)
await logins('SCRAM-SHA-256 in the clear     ', false, scram)
