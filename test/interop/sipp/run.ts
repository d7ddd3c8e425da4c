/** `npm run sipp`: plays the scenarios of sip-fixtures/sipp with a gateway of its own, or with a server of anybody's, and prints what became of each. */
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { Command } from 'commander'
import { Gateway } from '../peers/gateway.ts'
import { isInstalled, MissingProgramError } from '../peers/program.ts'
import { ACCOUNTS, type Server, TELEPHONES } from './stage.ts'
import { type Play, suite } from './suite.ts'

interface Options {
  readonly against?: string
  readonly domain?: string
  readonly list?: boolean
}

const NAME_WIDTH = Math.max(...suite.map(({ name }) => name.length))

const program = new Command('npm run sipp --')
  .description('Plays SIPp scenarios (Debian: sip-tester) with a gateway of its own on free ports of 127.0.0.1.')
  .argument('[name...]', 'only these; all of them where none is named')
  .option('--against <host:port>', 'play those that need nothing but a server, with that one')
  .option('--domain <name>', 'the domain that server is asked for; its host where nothing is said')
  .option('--list', 'say what there is')
  .showHelpAfterError()
program.parse()

process.exitCode = await run(program.args, program.opts<Options>()).catch((cause: unknown) => {
  console.error(cause instanceof Error ? cause.message : cause)
  return 1
})

async function run(names: readonly string[], { against, domain, list }: Options): Promise<number> {
  if (list) {
    for (const { name, shows, needs } of suite) console.log(`${name.padEnd(NAME_WIDTH)}  ${needs.padEnd(7)}  ${shows}`)
    return 0
  }
  const unknown = names.filter((name) => !suite.some((play) => play.name === name))
  if (unknown.length > 0) {
    console.error(`no scenario is called ${unknown.join(', ')}; there are: ${suite.map(({ name }) => name).join(', ')}`)
    return 2
  }
  if (!isInstalled('sipp')) {
    console.error(new MissingProgramError('sipp', 'sip-tester').message)
    return 2
  }
  const chosen = suite.filter(({ name }) => names.length === 0 || names.includes(name))
  if (against !== undefined) return playAgainst(await serverAt(against, domain), chosen)
  const gateway = await Gateway.start({ telephonesPerAccount: TELEPHONES })
  try {
    if (chosen.some(({ needs }) => needs === 'gateway')) await gateway.add(...ACCOUNTS)
    return await playAll(chosen.map((play) => [play, () => play.run(gateway)]))
  } finally {
    await gateway.stop()
  }
}

function playAgainst(server: Server, chosen: readonly Play[]): Promise<number> {
  return playAll(chosen.flatMap((play) => (play.needs === 'server' ? [[play, () => play.run(server)] as const] : [])))
}

/** A line for each; 1 where one failed, 2 where there was none. */
async function playAll(plays: readonly (readonly [play: Play, run: () => Promise<void>])[]): Promise<number> {
  if (plays.length === 0) {
    console.error('none of these can be played with a server alone')
    return 2
  }
  let failed = 0
  for (const [{ name, shows }, play] of plays) {
    const begun = performance.now()
    const fault = await play().then(
      () => undefined,
      (cause: unknown) => (cause instanceof Error ? cause.message : String(cause)),
    )
    if (fault !== undefined) failed++
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1).padStart(5)
    console.log(`${name.padEnd(NAME_WIDTH)}  ${fault === undefined ? 'passed' : 'FAILED'}  ${seconds} s  ${shows}`)
    if (fault !== undefined) console.log(`    ${fault}`)
  }
  console.log(`${plays.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

async function serverAt(hostPort: string, domain: string | undefined): Promise<Server> {
  const [, host, digits] = /^([^:]+):(\d{1,5})$/.exec(hostPort) ?? []
  const port = Number(digits)
  if (host === undefined || port < 1 || port > 65_535) throw new Error(`--against ${hostPort}: host:port is wanted, as in 192.0.2.1:5060`)
  const { address } = await lookup(host, 4)
  return { domain: domain ?? host, gatewayHost: address, localHost: await addressToward(address, port), port: () => port }
}

/** Our own address on the way there: the kernel chooses it, and nothing is sent. */
async function addressToward(host: string, port: number): Promise<string> {
  const socket = createSocket('udp4')
  socket.connect(port, host)
  await once(socket, 'connect')
  const { address } = socket.address()
  socket.close()
  return address
}
