/** Bytes as they are, to any port: what no well-behaved program would send. */
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'

export interface Exchange {
  /** What came back, as text where it is text. */
  readonly received: string
  /** Who ended the connection: the other side by closing or resetting it, or nobody until the time was over. */
  readonly ending: 'closed' | 'reset' | 'open'
}

/** Writes to a TCP port and resolves when the other side has ended the connection, or when `enough` has come, or after `ms`. */
export function overTcp(
  port: number,
  bytes: string | Buffer,
  { ms = 10_000, enough = /^$/ }: { ms?: number; enough?: RegExp } = {},
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    let received = ''
    let isConnected = false
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: false }, () => {
      isConnected = true
      socket.write(bytes)
    })
    const end = (ending: Exchange['ending']): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ received, ending })
    }
    const timer = setTimeout(() => end('open'), ms)
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      received += chunk
      if (received !== '' && enough.test(received)) end('open')
    })
    socket.on('close', () => end('closed'))
    socket.on('error', (cause) => {
      clearTimeout(timer)
      if (isConnected) end('reset')
      else reject(cause)
    })
  })
}

/** Sends datagrams from one socket and resolves with those that came back, as soon as one matches `enough`; rejects after `ms`. */
export function overUdp(port: number, datagrams: readonly (string | Buffer)[], enough: RegExp, ms = 10_000): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const received: string[] = []
    const socket = createSocket('udp4')
    const timer = setTimeout(() => {
      socket.close()
      reject(new Error(`no datagram with ${enough} came within ${ms} ms, only: ${received.join(' | ')}`))
    }, ms)
    socket.on('error', reject)
    socket.on('message', (bytes) => {
      received.push(bytes.toString('latin1'))
      if (!enough.test(received.at(-1) ?? '')) return
      clearTimeout(timer)
      socket.close()
      resolve(received)
    })
    socket.bind(0, '127.0.0.1', () => {
      for (const datagram of datagrams) socket.send(datagram, port, '127.0.0.1')
    })
  })
}

/** The same noise in every run, so that a failure can be repeated. */
export function noise(bytes: number, seed: number): Buffer {
  const buffer = Buffer.alloc(bytes)
  let state = seed
  for (let index = 0; index < bytes; index++) {
    // Numerical Recipes' linear congruential generator.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    buffer[index] = state >>> 24
  }
  return buffer
}
