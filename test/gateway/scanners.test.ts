/** What a scanner does to a gateway, and what the others notice of it. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Phone } from '../support/phone.ts'
import { DOMAIN, PASSWORD, runningGateway } from '../support/running-gateway.ts'

/** Another address of this machine, from which nobody has registered. */
const SCANNER = '127.0.0.66'
const FLOOD = 10_000

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function scanner(): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, SCANNER)
  await once(socket, 'listening')
  closing.push(async () => socket.close())
  return socket
}

const bogus = (n: number, method = 'REGISTER') =>
  [
    `${method} sip:${DOMAIN} SIP/2.0`,
    `Via: SIP/2.0/UDP ${SCANNER}:5060;branch=z9hG4bK-${n};rport`,
    `From: "sipvicious" <sip:${n}@${DOMAIN}>;tag=${n}`,
    `To: <sip:${n}@${DOMAIN}>`,
    `Call-ID: ${n}@scanner`,
    `CSeq: 1 ${method}`,
    'Max-Forwards: 70',
    'Contact: <sip:1@192.0.2.1>',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n')

test('ten thousand bogus requests of one address get a few hundred answers, and a telephone notices nothing', async () => {
  const gateway = await runningGateway({ transports: ['udp', 'tcp'] })
  closing.push(() => gateway.stop())
  const { port } = gateway.hop('udp')
  const socket = await scanner()
  let answers = 0
  socket.on('message', () => answers++)
  const flooding = (async () => {
    for (let n = 0; n < FLOOD; n++) {
      const sent = new Promise<void>((resolve) =>
        socket.send(bogus(n, n % 2 === 0 ? 'REGISTER' : 'INVITE'), port, '127.0.0.1', () => resolve()),
      )
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
      await sent
    }
  })()
  await gateway.heard.fact({ what: 'scanner_ignored', address: SCANNER })
  const romeo = await Phone.onLoopback({ user: 'romeo', domain: DOMAIN, password: PASSWORD, proxy: gateway.hop('udp') })
  closing.push(() => romeo.stop())
  expect((await romeo.register()).status).toBe(200)
  expect((await romeo.message(`sip:romeo@${DOMAIN}`, 'still here')).status).toBeLessThan(300)
  await flooding
  expect((await romeo.register()).status).toBe(200)
  expect(Number(gateway.gateway.status().requestsOfScanners)).toBeGreaterThan(FLOOD / 2)
  expect(answers).toBeLessThan(1_000)
  expect(gateway.heard.facts.filter(({ what }) => what === 'scanner_ignored')).toHaveLength(1)
})

test('who is not heard is not connected either', async () => {
  const gateway = await runningGateway({ transports: ['udp', 'tcp'] })
  closing.push(() => gateway.stop())
  const { port } = gateway.hop('udp')
  const socket = await scanner()
  for (let n = 0; n < 2_000; n++) {
    socket.send(bogus(n), port, '127.0.0.1')
    if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await gateway.heard.fact({ what: 'scanner_ignored', address: SCANNER })
  const attempt = connect({ host: '127.0.0.1', port: gateway.hop('tcp').port, localAddress: SCANNER })
  attempt.on('error', () => {}) // the close tells
  await once(attempt, 'close')
  expect(gateway.heard.facts.some(({ what }) => what === 'sip_connection_opened')).toBe(false)
})
