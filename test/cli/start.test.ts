import dgram from 'node:dgram'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { startFailure } from '../../src/cli/start-failure.ts'
import type { Settings } from '../../src/config/settings.ts'
import type { Log } from '../../src/log/log.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { credentials } from '../contract/store.ts'
import { TestWorld } from './world.ts'

let directory: string
let config: string
let world: TestWorld
let did: string[]
let log: Log
let given: Settings
let reload: (settings: Settings) => Promise<void>

beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-start-'))
  config = path.join(directory, 'x.yaml')
  configure('')
  did = []
  reload = async () => {}
  world = new TestWorld()
  world.startGateway = async (settings, _software, itsLog) => {
    did.push('started')
    log = itsLog
    given = settings
    return {
      listening: [
        { what: 'xmpp', address: '::', port: 5222 },
        { what: 'sip/udp', address: '127.0.0.1', port: 5060 },
      ],
      reload: async (next) => {
        did.push('reloaded')
        await reload(next)
        return ['sip']
      },
      accountChanged: async (jid) => void did.push(`changed ${jid}`),
      status: () => ({ sessions: 7 }),
      stop: async () => void did.push('stopped'),
    }
  }
})
afterEach(() => {
  fs.rmSync(directory, { recursive: true })
})

function configure(more: string): void {
  fs.writeFileSync(config, `store: { sqlite: ${directory}/data/stoxgate.db }\nlog: { directory: ${directory}/logs }\n${more}`)
}

const start = () => world.run('start', '-c', config)
const logged = () =>
  fs
    .readdirSync(path.join(directory, 'logs'))
    .map((name) => fs.readFileSync(path.join(directory, 'logs', name), 'utf8'))
    .join('')

test('scripts wait for the line that says it is ready, after one line for each socket', async () => {
  const ended = start()
  await world.stdout.until('ready\n')
  expect(world.stdout.text).toMatch(/^listening xmpp \[::\]:5222\nlistening sip\/udp 127.0.0.1:5060\nstoxgate ready\n/)
  world.signals.emit('SIGTERM')
  expect(await ended).toBe(0)
  expect(did).toEqual(['started', 'stopped'])
  expect(world.stderr.text).toBe('')
  expect(world.signals.eventNames()).toEqual([])
  expect(fs.readdirSync(path.join(directory, 'data'))).not.toContain('control.sock')
})

test('as long as there is no account it says what to do next', async () => {
  const ended = start()
  await world.stdout.until('every option')
  expect(world.stdout.text).toContain(`npx stoxgate account add juliet@xmpp.example -c ${config}\n`)
  expect(world.stdout.text).toMatch(/logs in as juliet@xmpp.example, server 127.0.0.1:5222/)
  expect(world.stdout.text).toContain('A telephone registers as romeo, domain xmpp.example, proxy 127.0.0.1:5060 (UDP)')
  world.signals.emit('SIGINT')
  expect(await ended).toBe(0)
})

test('who has accounts is not told how to make one', async () => {
  const store = openSqlite(path.join(directory, 'data/stoxgate.db'))
  await store.accounts.add(Jid.parse('juliet@xmpp.example'), credentials(1))
  await store.close()
  const ended = start()
  await world.stdout.until('ready\n')
  world.signals.emit('SIGTERM')
  await ended
  expect(world.stdout.text).not.toContain('account add')
})

test('a gateway that is told to stop while it starts does so when it can', async () => {
  const begin = world.startGateway
  world.startGateway = async (...rooms) => {
    world.signals.emit('SIGTERM')
    return begin(...rooms)
  }
  expect(await start()).toBe(0)
  expect(did).toEqual(['started', 'stopped'])
})

test('a configuration with mistakes starts nothing', async () => {
  configure('colour: red\n')
  expect(await start()).toBe(2)
  expect(world.stderr.text).toMatch(/^\S+x.yaml:3: colour: is no key here/)
  expect(did).toEqual([])
})

test('a second gateway on the same database is kept off', async () => {
  const ended = start()
  await world.stdout.until('ready\n')
  const second = new TestWorld()
  second.startGateway = world.startGateway
  expect(await second.run('start', '-c', config)).toBe(1)
  expect(second.stderr.text).toMatch(/^another gateway runs with \S+data already \(process \d+\): stop it first/)
  expect(did).toEqual(['started'])
  world.signals.emit('SIGTERM')
  expect(await ended).toBe(0)
})

describe('while it runs', () => {
  let ended: Promise<number>
  beforeEach(async () => {
    ended = start()
    await world.stdout.until('ready\n')
  })
  afterEach(async () => {
    world.signals.emit('SIGTERM')
    await ended
  })
  const command = async (...words: string[]) => {
    const asking = new TestWorld()
    const code = await asking.run(...words, '-c', config)
    return { code, text: asking.stdout.text + asking.stderr.text }
  }

  test('a changed configuration is taken up when asked, levels of the log included', async () => {
    configure('sip: { logLevel: all }\n')
    expect(log.tagged('SIP').wants.all).toBe(false)
    expect(await command('reload')).toMatchObject({ code: 0, text: expect.stringContaining('only a restart brings it: sip') })
    expect(did).toContain('reloaded')
    expect(log.tagged('SIP').wants.all).toBe(true)
    expect(given.sip.logLevel).toBe('major')
  })

  test('a configuration with mistakes is told to who asked, and changes nothing', async () => {
    configure('sip: { logLevel: loud }\n')
    const { code, text } = await command('reload')
    expect(code).toBe(2)
    expect(text).toMatch(/x.yaml:3: sip.logLevel: must be one of/)
    expect(did).not.toContain('reloaded')
  })

  test('what the gateway cannot take up is told to who asked', async () => {
    reload = () => Promise.reject(new Error('x.crt cannot be read'))
    expect(await command('reload')).toMatchObject({ code: 1, text: 'x.crt cannot be read\n' })
  })

  test('SIGHUP does the same; what is wrong stands in the log', async () => {
    configure('colour: red\n')
    world.signals.emit('SIGHUP')
    world.signals.emit('SIGHUP')
    world.signals.emit('SIGTERM')
    await ended
    expect(logged()).toMatch(/FAILURES CORE reload_failed why=".*x.yaml:3: colour: is no key here/)
    expect(did).toEqual(['started', 'stopped'])
  })

  test('commands reach it', async () => {
    expect(await command('status')).toMatchObject({ code: 0, text: expect.stringMatching(/^pid \d+\nsessions 7\n$/) })
  })

  test('a mistake nobody caught stands in the log with its stack, and the gateway goes on', async () => {
    world.signals.emit('uncaughtException', new TypeError('x is undefined'))
    world.signals.emit('unhandledRejection', 'a text')
    expect(await command('status')).toMatchObject({ code: 0 })
    world.signals.emit('SIGTERM')
    await ended
    expect(logged()).toMatch(
      /FAILURES CORE uncaught_failed cause="TypeError: x is undefined"\n {2}\| TypeError: x is undefined\n {2}\| {5}at /,
    )
    expect(logged()).toMatch(/cause="Error: a text"/)
    expect(world.stderr.text).toBe('')
  })
})

describe('what keeps it from starting is one line with its cure', () => {
  async function failing(cause: unknown): Promise<string> {
    world.startGateway = () => Promise.reject(cause)
    expect(await start()).toBe(1)
    expect(fs.readdirSync(path.join(directory, 'data'))).not.toContain('control.sock')
    return world.stderr.text
  }

  test('a TCP port in use', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as net.AddressInfo
    const [cause] = await once(net.createServer().listen(port, '127.0.0.1'), 'error')
    expect(await failing(cause)).toMatch(
      new RegExp(`^TCP 127.0.0.1:${port} is in use by another program: stop that one, or give the listener another port[^\\n]*\\n$`),
    )
    taken.close()
  })

  test('a UDP port in use', async () => {
    const taken = dgram.createSocket('udp4').bind(0, '127.0.0.1')
    await once(taken, 'listening')
    const [cause] = await once(dgram.createSocket('udp4').bind(taken.address().port, '127.0.0.1'), 'error')
    expect(await failing(cause)).toMatch(/^UDP 127.0.0.1:\d+ is in use by another program/)
    taken.close()
  })

  test('an address of another machine', async () => {
    const [cause] = await once(net.createServer().listen(1_024, '192.0.2.200'), 'error')
    expect(await failing(cause)).toMatch(/^192.0.2.200:1024 is no address of this machine: correct the listener's address/)
  })

  test('a log that cannot be written', async () => {
    fs.writeFileSync(path.join(directory, 'logs'), '')
    expect(await start()).toBe(1)
    expect(world.stderr.text).toMatch(/logs cannot be made: a part of its path is a file, not a directory\n$/)
    expect(did).toEqual([])
  })

  test('a database of a newer version', async () => {
    const { StoreError } = await import('../../src/store/failure.ts')
    expect(await failing(new StoreError('x.db was written by a newer Stoxgate'))).toBe('x.db was written by a newer Stoxgate\n')
  })

  test('a mistake of our own keeps its stack', async () => {
    expect(await failing(new TypeError('x is undefined'))).toMatch(/^TypeError: x is undefined\n {4}at /)
  })

  for (const [cause, sentence] of [
    [{ code: 'EACCES', syscall: 'listen', address: '::', port: 443 }, /^TCP \[::\]:443 may not be bound: ports below 1024/],
    [{ code: 'EAFNOSUPPORT', syscall: 'listen', address: '::1', port: 5222 }, /IPv6 switched off\?/],
    [{ code: 'EMFILE', syscall: 'listen', address: '::1', port: 5222 }, /^TCP \[::1\]:5222 cannot be bound: said so/],
    [{ code: 'EACCES', syscall: 'open', path: 'x.key' }, /^x.key may not be opened: the user/],
    [{ code: 'ENOSPC', syscall: 'write', path: 'x.log' }, /disk is full/],
    [{ code: 'EROFS', syscall: 'open', path: 'x.log' }, /can only be read/],
    [{ code: 'ELOOP', syscall: 'open', path: 'x.log' }, /^x.log cannot be opened: said so/],
  ] as const)
    test(`${cause.code} of ${cause.syscall}`, () => {
      expect(startFailure(Object.assign(new Error('said so'), cause))).toMatch(sentence)
    })
})
