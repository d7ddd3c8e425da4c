/** What one NOTIFY of a fan-out costs, and what one dialog of a watcher keeps: `npx tsx --expose-gc bench/micro/notify.ts [watchers]`. */
import { setImmediate as turn } from 'node:timers/promises'
import { SipUri } from '../../src/address/sip-uri.ts'
import { NOTIFIER_DEFAULTS } from '../../src/core/subscriptions/limits.ts'
import { Notifier } from '../../src/core/subscriptions/notifier.ts'
import { PACKAGES } from '../../src/core/subscriptions/packages.ts'
import { WireSignal } from '../../src/core/wire-signal.ts'
import { silent } from '../../src/log/log.ts'
import { withEcho } from '../../src/sip/echo.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import type { NextHop } from '../../src/sip/port.ts'
import type { Kept } from '../../src/store/port.ts'

const WATCHERS = Number(process.argv[2] ?? 1_000)
const ROUNDS = 30
const JULIET = SipUri.parse('sip:juliet@xmpp.example')
const THERE: NextHop = { transport: 'udp', host: '192.0.2.7', port: 5_060 }
const DOCUMENT = { contentType: 'application/pidf+xml', body: Buffer.alloc(700, 'x') }
const NOWHERE: Kept = { put: () => {}, remove: () => {}, load: () => [] }

async function measure(what: string, send: (request: SipRequest) => Promise<SipResponse>): Promise<void> {
  let answered = 0
  const notifier = new Notifier({
    outward: {
      startFor: () => undefined,
      contactFor: () => SipUri.parse('sip:juliet@192.0.2.1'),
      send: (request) => send(request).finally(() => answered++),
    },
    views: { viewFor: () => ({ state: 'active', document: DOCUMENT }), begun: () => {}, ended: () => {} },
    kept: NOWHERE,
    packages: PACKAGES,
    keepsDialogs: true,
    now: Date.now,
    log: silent,
    limits: { ...NOTIFIER_DEFAULTS, notifySeconds: 0, perWatchedMax: WATCHERS },
  })
  const until = async (count: number): Promise<void> => {
    while (answered < count) await turn()
  }
  globalThis.gc?.()
  const before = process.memoryUsage()
  for (let at = 0; at < WATCHERS; at++) {
    const watcher = SipUri.parse(`sip:w${at}@sip.example`)
    const headers = new Headers([
      'Via',
      'SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1',
      'From',
      `<${watcher}>;tag=${newTag()}`,
      'To',
      `<${JULIET}>`,
    ])
    headers.append('Call-ID', newCallId())
    headers.append('CSeq', '1 SUBSCRIBE')
    headers.append('Contact', `<sip:w${at}@192.0.2.7>`)
    headers.append('Event', 'presence')
    const request = new SipRequest('SUBSCRIBE', JULIET.toString(), headers, Buffer.alloc(0))
    await notifier.subscribe(WireSignal.of(request, { kind: 'wire', hop: THERE, trusted: false, account: undefined }), {
      watcher,
      watched: JULIET,
      event: 'presence',
    })
  }
  await until(WATCHERS)
  globalThis.gc?.()
  const after = process.memoryUsage()
  const begun = process.cpuUsage()
  for (let round = 2; round < ROUNDS + 2; round++) {
    notifier.changed(JULIET)
    await until(WATCHERS * round)
  }
  const { user, system } = process.cpuUsage(begun)
  const each = (user + system) / (WATCHERS * ROUNDS)
  const kept = (after.heapUsed + after.external - before.heapUsed - before.external) / WATCHERS
  console.log(`${what}: ${each.toFixed(1)} µs each; a dialog keeps ${(kept / 1_024).toFixed(2)} KiB`)
  notifier.stop()
}

await measure('NOTIFY made', (request) => Promise.resolve(withEcho(request, response(200), 'there')))
const network = new MemoryNetwork()
const us = network.join({ host: '192.0.2.1' })
const them = network.join({ host: '192.0.2.7' })
await us.start(() => response(481))
await them.start(() => response(200))
await measure('NOTIFY made, sent, received and answered in one process', (request) => us.send(request, THERE))
await us.stop(0)
await them.stop(0)
