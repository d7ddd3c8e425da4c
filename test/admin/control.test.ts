import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Jid } from '../../src/address/jid.ts'
import { ask, ControlError, type ControlHandlers, ControlServer, controlPath } from '../../src/admin/control.ts'
import { type Fact, silent } from '../../src/log/log.ts'

let directory: string
let server: ControlServer
let changed: Jid[]
let failures: Fact[]
let reload: () => Promise<unknown>

beforeEach(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'stoxgate-control-'))
  changed = []
  failures = []
  reload = async () => undefined
  server = open()
  await server.listen()
})
afterEach(async () => {
  await server.close()
  fs.rmSync(directory, { recursive: true })
})

function open(): ControlServer {
  const handlers: ControlHandlers = {
    accountChanged: (jid) => void changed.push(jid),
    reload: () => reload(),
    status: () => ({ pid: 4711, sessions: 3 }),
  }
  const log = { ...silent, failure: (fact: Fact) => void failures.push(fact) }
  return new ControlServer(controlPath(directory), handlers, () => log)
}

function send(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = net.connect(controlPath(directory), () => socket.write(text))
    socket.on('data', (chunk) => {
      answer += chunk.toString()
    })
    socket.on('end', () => resolve(answer))
    socket.on('error', reject)
  })
}

test('a command tells which account it changed', async () => {
  expect(await ask(server.path, { command: 'account-changed', jid: 'Juliet@Capulet.example/balcony' })).toEqual({ ok: true })
  expect(changed.map(String)).toEqual(['juliet@capulet.example'])
})

test('a command asks what the gateway does', async () => {
  expect(await ask(server.path, { command: 'status' })).toEqual({ ok: true, result: { pid: 4711, sessions: 3 } })
})

test('who asked for a reload is told why there was none', async () => {
  expect(await ask(server.path, { command: 'reload' })).toEqual({ ok: true })
  reload = () => Promise.reject(new ControlError('x.yaml:1: domains: must be a list'))
  expect(await ask(server.path, { command: 'reload' })).toEqual({ ok: false, error: 'x.yaml:1: domains: must be a list' })
  expect(failures).toEqual([])
})

test('a mistake of our own is answered, and logged once with its cause', async () => {
  const cause = new TypeError('x is undefined')
  reload = () => Promise.reject(cause)
  expect(await ask(server.path, { command: 'reload' })).toEqual({ ok: false, error: 'x is undefined' })
  expect(failures).toEqual([{ what: 'control_failed', cause }])
})

for (const [request, error] of [
  ['hello', 'the request is no JSON'],
  ['{}', 'the request is not known'],
  ['null', 'the request is not known'],
  ['{"command":"stop"}', 'the request is not known'],
  ['{"command":"account-changed"}', 'the request is not known'],
  ['{"command":"account-changed","jid":"@"}', /localpart/],
  ['x'.repeat(100_000), 'the request is too long'],
] as const)
  test(`${request.slice(0, 40)} is refused with a word, and the next command is heard`, async () => {
    const reply: unknown = JSON.parse(await send(`${request}\n`))
    expect(reply).toEqual({ ok: false, error: typeof error === 'string' ? error : expect.stringMatching(error) })
    expect(changed).toEqual([])
    expect((await ask(server.path, { command: 'status' }))?.ok).toBe(true)
  })

test('a command that goes away before the answer harms nobody', async () => {
  const socket = net.connect(controlPath(directory))
  await new Promise((resolve) => socket.on('connect', resolve))
  socket.write('{"command":"status"}\n')
  socket.destroy()
  expect((await ask(server.path, { command: 'status' }))?.ok).toBe(true)
})

test('only the user of the gateway may speak to it', () => {
  expect((fs.statSync(server.path).mode & 0o777).toString(8)).toBe('600')
})

test('where no gateway runs there is no answer', async () => {
  expect(await ask(path.join(directory, 'other.sock'), { command: 'status' })).toBeUndefined()
  await server.close()
  expect(await ask(server.path, { command: 'status' })).toBeUndefined()
})

test('what a killed gateway left is in nobody’s way', async () => {
  await server.close()
  fs.writeFileSync(controlPath(directory), '')
  server = open()
  await server.listen()
  expect((await ask(server.path, { command: 'status' }))?.ok).toBe(true)
})

test('a second gateway is kept off the same database, and the first goes on', async () => {
  await expect(open().listen()).rejects.toThrow(/another gateway runs with .* already \(process 4711\): stop it first/)
  expect((await ask(server.path, { command: 'status' }))?.ok).toBe(true)
})

test('a gateway that ends waits for no command that has nothing to say', async () => {
  const socket = net.connect(controlPath(directory))
  await new Promise((resolve) => socket.on('connect', resolve))
  const closed = new Promise((resolve) => socket.on('close', resolve))
  await server.close()
  await closed
})

test('a gateway that hangs is given up', async () => {
  reload = () => new Promise(() => {})
  await expect(ask(server.path, { command: 'reload' }, 20)).rejects.toThrow(/does not answer/)
})

test('a socket’s path has to be short', () => {
  expect(() => controlPath(`/${'x'.repeat(200)}`)).toThrow(/too long a path/)
  const below = path.join(process.cwd(), 'x'.repeat(87))
  expect(controlPath(below)).toBe(path.relative(process.cwd(), path.join(below, 'control.sock')))
})
