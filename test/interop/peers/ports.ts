/** Ports for peers that cannot listen on 0 and say what they got. */
import { createSocket, type Socket } from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'

// Below the kernel's own range, so that nobody who listens on 0 gets one of these while its peer is still starting.
const LOWEST = 20_000
const HIGHEST = 32_000
// Test files run one after another, but two test runs may share a machine.
let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST))

/** The first of so many neighbouring ports of 127.0.0.1 that are free for UDP and TCP alike at this moment. */
export async function freePort(neighbours = 1): Promise<number> {
  for (let tries = 0; tries < 200; tries++) {
    const first = next
    next = next + neighbours >= HIGHEST ? LOWEST : next + neighbours
    let free = true
    for (let port = first; free && port < first + neighbours; port++) free = await isFree(port)
    if (free) return first
  }
  throw new Error(`no ${neighbours} neighbouring ports are free for UDP and TCP alike`)
}

const LOOK_AGAIN_MS = 20

/** Resolves when somebody has bound that UDP port. The kernel's own list is read: to try it by binding could take it from who wants it. */
export async function boundUdp(port: number, isAlive: () => boolean, ms = 10_000): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  const deadline = Date.now() + ms
  while (!(await readFile('/proc/net/udp', 'utf8')).includes(local)) {
    if (Date.now() > deadline || !isAlive()) throw new Error(`nobody listens on UDP port ${port}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const socket = createSocket('udp4')
  const free = (await listens(server, port)) && (await binds(socket, port))
  if (server.listening) await new Promise((done) => server.close(done))
  await new Promise<void>((done) => socket.close(done))
  return free
}

function listens(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
}

function binds(socket: Socket, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('error', () => resolve(false))
    socket.bind(port, '127.0.0.1', () => resolve(true))
  })
}
