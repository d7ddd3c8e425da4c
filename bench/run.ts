/** `npm run bench`: the same load on the gateway and on the peers that are installed, in interleaved rounds, as one table of ratios. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Ground } from './ground.ts'
import { chat } from './load/chat.ts'
import { NotOffered } from './load/client.ts'
import { cpuMicros } from './load/cost.ts'
import { idle } from './load/idle.ts'
import { logins } from './load/login.ts'
import { presences } from './load/presence.ts'
import { SIGNAL_KINDS, signals } from './load/signals.ts'
import { MEMORY_KINDS, memoryOf } from './load/sip-memory.ts'
import { Telephony } from './load/telephony.ts'
import { watchers } from './load/watchers.ts'
import type { Measured, Window } from './load/window.ts'
import { yardstick } from './load/yardstick.ts'
import { Ejabberd } from './peers/ejabberd.ts'
import { Prosody } from './peers/prosody.ts'
import type { Running, Server } from './peers/server.ts'
import { Stoxgate } from './peers/stoxgate.ts'
import { type Counted, type Share, shares } from './profile.ts'
import { type Row, table } from './report.ts'

const help = `npm run bench -- [options]
  --only WORKS      of chat, bare, phone, login, idle, start, signals, sip-memory, watchers; with commas (default: all)
  --peers NAMES     of prosody, ejabberd; with commas, or none (default: both)
  --quick           shorter and fewer rounds: a first look, not a figure to quote
  --rounds N        rounds of each work (default 5, quick 2)
  --seconds N       seconds of a measured window (default 4, quick 1.5)
  --sessions N      idle sessions (default 3000, quick 1000)
  --stored FORM     how the peers keep passwords: hashed (their default) or plain
  --main FILE       the gateway's program (default dist/main.js)
  --node ARGS       arguments of node itself for the gateway, e.g. --node=--max-semi-space-size=32
  --no-gateway      the peers alone
  --loopback        the gateway with sip.loopback: every signal through its wire form
  --cpu-prof DIR    profile the gateway, and say where the time of each measured work went
  --json FILE       all values too
  --keep            leave the working folder, with logs and configurations, where it is`

const { values: given } = parseArgs({
  options: {
    only: { type: 'string', default: 'chat,bare,presence,phone,login,idle,start,signals,sip-memory,watchers' },
    peers: { type: 'string', default: 'prosody,ejabberd' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    sessions: { type: 'string' },
    stored: { type: 'string', default: 'hashed' },
    main: { type: 'string', default: fileURLToPath(new URL('../dist/main.js', import.meta.url)) },
    node: { type: 'string', default: '' },
    'no-gateway': { type: 'boolean', default: false },
    loopback: { type: 'boolean', default: false },
    'cpu-prof': { type: 'string' },
    json: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})

const rounds = Number(given.rounds ?? (given.quick ? 2 : 5))
const window: Window = { warmSeconds: given.quick ? 1 : 1.5, seconds: Number(given.seconds ?? (given.quick ? 1.5 : 4)) }
const idleSteps = 5
const idleStep = Math.ceil(Number(given.sessions ?? (given.quick ? 1_000 : 3_000)) / idleSteps)
const chatSessions = 200
const loginCount = given.quick ? 100 : 400

const ours = 'Stoxgate'
const rows: Row[] = []
/** Windows of each work, for the profile. */
const windows = new Map<string, Counted[]>()

function row(work: string, unit: string, budget?: number): Row {
  const found = rows.find((each) => each.work === work && each.unit === unit)
  if (found) return found
  const made: Row = { work, unit, budget, cells: new Map() }
  rows.push(made)
  return made
}

function note(to: Row, server: Server, value: number): void {
  const found = to.cells.get(server.name)
  if (Array.isArray(found)) found.push(value)
  else if (found === undefined) to.cells.set(server.name, [value])
}

/** A work that fails on one server is a row's entry, not the end of the run. */
async function attempt(server: Server, to: Row, work: () => Promise<void>): Promise<void> {
  if (typeof to.cells.get(server.name) === 'string') return
  try {
    await work()
  } catch (cause) {
    if (cause instanceof NotOffered) return void to.cells.set(server.name, 'not offered')
    const text = cause instanceof Error ? cause.message : String(cause)
    to.cells.set(server.name, `failed: ${text}`)
    console.error(`${server.name}, ${to.work}: ${text}`)
  }
}

function place(ground: Ground, running: Running) {
  return { port: running.port, domain: ground.domain, password: ground.password }
}

function noteMeasured(server: Server, work: string, budget: number | undefined, measured: Measured): void {
  note(row(work, 'µs each', budget), server, measured.microsEach)
  note(row(work, 'each second'), server, measured.perSecond)
  note(row('yardstick: fixed work of the load itself', 'ms'), server, yardstick())
  if (measured.loadCores > 0.95)
    console.error(`${server.name}, ${work}: the load was as busy as it can be; the server could have done more`)
  if (server.name === ours) windows.set(work, [...(windows.get(work) ?? []), measured])
}

async function chatRound(ground: Ground, running: Map<Server, Running>, to: 'full' | 'bare'): Promise<void> {
  for (const tls of [false, true]) {
    const work = `chat to a ${to} address, ${tls ? 'TLS' : 'plain'}`
    const budget = to === 'full' ? (tls ? 11 : 9) : undefined
    for (const [server, { pid, ...at }] of running)
      await attempt(server, row(work, 'µs each', budget), async () => {
        const load = { sessions: chatSessions, inFlight: 4, tls, to }
        noteMeasured(server, work, budget, await chat(pid, place(ground, { pid, ...at }), load, window))
      })
  }
}

async function presenceRound(ground: Ground, running: Map<Server, Running>): Promise<void> {
  const work = 'presence to 100 contacts'
  for (const [server, { pid, ...at }] of running)
    await attempt(server, row(work, 'µs each', 5), async () => {
      const load = { speakers: 20, contacts: 100, tls: false }
      noteMeasured(server, work, 5, await presences(pid, place(ground, { pid, ...at }), load, window))
    })
}

async function phoneRound(ground: Ground, running: Map<Server, Running>): Promise<void> {
  for (const [server, at] of running) {
    const { sipPort } = at
    if (sipPort === undefined) continue
    const [toPhones, toClients] = ['client to a UDP phone, with its 200', 'UDP phone to client, with digest']
    await attempt(server, row(toPhones, 'µs each', 50), async () => {
      const telephony = await Telephony.open(at.pid, { ...place(ground, at), sipPort }, { pairs: chatSessions / 2, inFlight: 4 })
      try {
        noteMeasured(server, toPhones, 50, await telephony.toPhones(window))
        await attempt(server, row(toClients, 'µs each'), async () => {
          noteMeasured(server, toClients, undefined, await telephony.toClients(window))
        })
        if (telephony.repeated > 0) console.error(`${server.name}: telephones saw ${telephony.repeated} requests again`)
      } finally {
        await telephony.close()
      }
    })
  }
}

async function loginRound(ground: Ground, running: Map<Server, Running>): Promise<void> {
  for (const [mechanism, budget] of [
    ['SCRAM-SHA-1', 1.5],
    ['SCRAM-SHA-256', 1.5],
    ['PLAIN', 3],
  ] as const)
    for (const [server, at] of running) {
      const to = row(`login, STARTTLS and ${mechanism}`, 'ms each', budget)
      await attempt(server, to, async () => {
        const load = { logins: loginCount, mechanism, width: 8, accounts: chatSessions }
        const measured = await logins(at.pid, place(ground, at), load)
        note(to, server, measured.millisEach)
        if (server.name === ours) windows.set(to.work, [...(windows.get(to.work) ?? []), measured])
      })
    }
}

async function idleRound(ground: Ground, servers: readonly Server[]): Promise<void> {
  for (const tls of [false, true])
    for (const server of servers) {
      const to = row(`idle session, ${tls ? 'TLS' : 'plain'}`, 'KiB', tls ? 34 : 8)
      await attempt(server, to, async () => {
        const at = await server.start()
        try {
          const load = { step: idleStep, steps: idleSteps, tls, settleSeconds: given.quick ? 2 : 5 }
          note(to, server, await idle(at.pid, place(ground, at), load))
        } finally {
          await at.stop()
        }
      })
    }
}

/** Our own SIP stacks; no peer has any. */
async function signalRound(servers: readonly Server[]): Promise<void> {
  const own = servers.find(({ name }) => name === ours)
  if (!own) return
  for (const kind of SIGNAL_KINDS) {
    const [taken, sent] = [`signal over ${kind}, taken and answered`, `signal over ${kind}, sent and answered`]
    await attempt(own, row(taken, 'µs each'), async () => {
      const { takenMicros, sentMicros } = await signals(kind, given.quick ? 5_000 : 20_000)
      for (const [work, micros] of [
        [taken, takenMicros],
        [sent, sentMicros],
      ] as const) {
        note(row(work, 'µs each'), own, micros)
        note(row(work, 'each CPU-second'), own, 1e6 / micros)
      }
      note(row('yardstick: fixed work of the load itself', 'ms'), own, yardstick())
    })
  }
}

async function sipMemoryRound(servers: readonly Server[]): Promise<void> {
  const own = servers.find(({ name }) => name === ours)
  if (!own) return
  for (const kind of MEMORY_KINDS)
    await attempt(own, row(`memory of a ${kind}`, 'bytes'), async () => {
      note(row(`memory of a ${kind}`, 'bytes'), own, await memoryOf(kind, 10_000))
    })
}

/** Who watches over SIP; no peer has any. */
async function watchersRound(ground: Ground, servers: readonly Server[]): Promise<void> {
  const own = servers.find(({ name }) => name === ours)
  if (!own) return
  const many = 1_000
  const told = row(`NOTIFY to one of ${many} watchers, with its 200`, 'µs each')
  await attempt(own, told, async () => {
    const at = await own.start()
    const { kill, phonesPort } = at
    if (!kill || phonesPort === undefined) return
    try {
      const load = { many, rounds: given.quick ? 2 : 5 }
      const cost = await watchers({ ...at, kill, phonesPort }, place(ground, at), load, () => own.start())
      for (const micros of cost.toldMicros) note(told, own, micros)
      for (const micros of cost.seenMicros) note(row(`NOTIFY of one of ${many} telephones, to its watcher`, 'µs each'), own, micros)
      note(row('dialog of a watcher', 'KiB'), own, cost.dialogKiB)
      note(row(`${many} watchers hear of a restart`, 's'), own, cost.backSeconds)
      note(row(`${many} watchers hear of a restart, CPU`, 'µs each'), own, cost.backMicros)
      note(row('yardstick: fixed work of the load itself', 'ms'), own, yardstick())
    } finally {
      await at.stop()
    }
  })
}

async function startRound(servers: readonly Server[]): Promise<void> {
  const to = row('start until it serves', 's', 0.8)
  for (const server of servers)
    await attempt(server, to, async () => {
      const at = await server.start()
      note(to, server, at.startMs / 1_000)
      note(row('start, CPU time of it', 's'), server, cpuMicros(at.pid) / 1e6)
      await pause(200)
      await at.stop()
    })
}

function chosen(): Server[] {
  const profiling = given['cpu-prof'] === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(given['cpu-prof'])}`]
  const stored = given.stored === 'plain' ? 'plain' : 'hashed'
  const wanted: Server[] = given['no-gateway']
    ? []
    : [new Stoxgate(resolve(given.main), [...profiling, ...given.node.split(' ').filter(Boolean)], given.loopback)]
  const peers = given.peers.split(',')
  if (peers.includes('prosody')) wanted.push(new Prosody(stored))
  if (peers.includes('ejabberd')) wanted.push(new Ejabberd(stored))
  return wanted.filter((server) => {
    const missing = server.missing()
    if (missing !== undefined) console.error(`${server.name} is not here; to have it measured: ${missing}`)
    return missing === undefined
  })
}

async function measureAll(ground: Ground, servers: readonly Server[]): Promise<void> {
  const works = given.only.split(',')
  const running = new Map<Server, Running>()
  const lasting = works.some((work) => ['chat', 'bare', 'presence', 'phone', 'login'].includes(work))
  try {
    if (works.includes('start')) for (let n = 0; n < rounds; n++) await startRound(servers)
    if (works.includes('idle')) for (let n = 0; n < Math.min(rounds, 2); n++) await idleRound(ground, servers)
    if (works.includes('signals')) for (let n = 0; n < rounds; n++) await signalRound(servers)
    if (works.includes('sip-memory')) await sipMemoryRound(servers)
    if (works.includes('watchers')) await watchersRound(ground, servers)
    if (lasting) for (const server of servers) running.set(server, await server.start())
    for (let n = 0; lasting && n < rounds; n++) {
      console.error(`round ${n + 1} of ${rounds}`)
      if (works.includes('chat')) await chatRound(ground, running, 'full')
      if (works.includes('bare')) await chatRound(ground, running, 'bare')
      if (works.includes('presence')) await presenceRound(ground, running)
      if (works.includes('phone')) await phoneRound(ground, running)
      if (works.includes('login')) await loginRound(ground, running)
    }
  } finally {
    for (const at of running.values()) await at.stop()
  }
}

function printProfile(directory: string): void {
  for (const [work, counted] of windows) {
    const { microsEach, functions, files } = shares(directory, counted)
    const line = (share: Share): string => `${share.microsEach.toFixed(2).padStart(8)} µs  ${share.name}`
    console.log(`\n${work}: ${microsEach.toFixed(2)} µs of wall time in JavaScript and what it calls`)
    console.log(`by file\n${files.slice(0, 25).map(line).join('\n')}`)
    console.log(`by function\n${functions.slice(0, 45).map(line).join('\n')}`)
  }
}

async function main(): Promise<void> {
  if (given.help) return console.log(help)
  if (given['cpu-prof'] !== undefined) mkdirSync(given['cpu-prof'], { recursive: true })
  const ground = await Ground.prepare(Math.max(idleSteps * idleStep, chatSessions))
  try {
    const servers: Server[] = []
    for (const server of chosen()) {
      try {
        await server.prepare(ground)
        servers.push(server)
      } catch (cause) {
        console.error(`${server.name} could not be prepared: ${cause instanceof Error ? cause.message : String(cause)}`)
        process.exitCode = 1
      }
    }
    if (servers.length === 0) return console.error('Nothing can be measured')
    console.log(servers.map((server) => `${server.name} ${server.version()}`).join(', '))
    await measureAll(ground, servers)
    const peers = servers.map(({ name }) => name).filter((name) => name !== ours)
    console.log(`median (least–most) of ${rounds} rounds; CPU time of all threads of the server\n${table(rows, ours, peers)}`)
    if (given['cpu-prof'] !== undefined) printProfile(given['cpu-prof'])
    if (given.json !== undefined)
      writeFileSync(
        given.json,
        `${JSON.stringify(
          rows.map(({ cells, ...rest }) => ({ ...rest, values: Object.fromEntries(cells) })),
          undefined,
          2,
        )}\n`,
      )
    if (rows.some(({ cells }) => typeof cells.get(ours) === 'string')) process.exitCode = 1
  } finally {
    if (given.keep) console.error(`kept: ${ground.directory}`)
    else ground.clear()
  }
}

await main()
