/** The gateway killed while a SIP user and a client watch each other, and started again on the same files: who watches whom is as it was, in the same dialogs. */
import { afterEach, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import type { SipRequest } from '../../src/sip/message.ts'
import { Gateway } from '../interop/peers/gateway.ts'
import { lacks } from '../interop/peers/installed.ts'
import { freePort } from '../interop/peers/ports.ts'
import { slixmpp } from '../interop/peers/slixmpp.ts'
import type { XmppPeer } from '../interop/peers/xmpp-peer.ts'
import { NextHopParty } from '../support/next-hop.ts'
import { PresenceAgent, pidf, stateOf } from '../support/presence-agent.ts'

const TYBALT = 'tybalt@pbx.example'
const PARIS = 'paris@pbx.example'
const JULIET = 'sip:juliet@xmpp.example'

const ending: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end()
})

interface Place {
  readonly gateway: Gateway
  readonly tybalt: PresenceAgent
}

async function place(): Promise<Place> {
  const port = await freePort()
  const gateway = await Gateway.start({ routes: [`pbx.example = sip:127.0.0.1:${port}`], t1: '100ms' })
  ending.push(() => gateway.stop())
  await gateway.add('juliet')
  const stack = embeddedStack({ listeners: [{ transport: 'udp', port, address: '127.0.0.1' }], timers: { t1Ms: 100 } }, silent)
  const party = await NextHopParty.on(stack, { transport: 'udp', host: '127.0.0.1', port: gateway.port('sip/udp') })
  ending.push(() => party.stop())
  return { gateway, tybalt: new PresenceAgent(party, `sip:${TYBALT}`, `127.0.0.1:${port}`) }
}

async function client(gateway: Gateway, resource: string): Promise<XmppPeer> {
  const peer = slixmpp({ ...gateway.login('juliet', resource), roster: true })
  ending.push(() => peer.kill())
  await peer.online()
  return peer
}

const cseq = ({ headers }: SipRequest): number => Number.parseInt(headers.get('CSeq') ?? '', 10)
const dialog = ({ headers }: SipRequest): string => [headers.get('Call-ID'), headers.get('From')].join(' ')

/** The next request of that method; others are passed by. */
async function next(agent: PresenceAgent, method: string, matches: (request: SipRequest) => boolean = () => true): Promise<SipRequest> {
  for (;;) {
    const request = await agent.next()
    if (request.method === method && matches(request)) return request
  }
}

const isOpen = ({ body }: SipRequest): boolean => body.toString().includes('<basic>open</basic>')

test.skipIf(lacks('slixmpp'))('a watcher’s dialog goes on with a higher CSeq, and shows what is so now', async () => {
  const { gateway, tybalt } = await place()
  const juliet = await client(gateway, 'balcony')
  const watching = await tybalt.watch(JULIET)
  await juliet.sees(TYBALT, 'subscribe')
  juliet.shows({ to: TYBALT, type: 'subscribed' })
  const before = await next(tybalt, 'NOTIFY', isOpen)
  await gateway.kill()
  const killed = performance.now()
  await gateway.return()
  const told = await next(tybalt, 'NOTIFY')
  const back = performance.now()
  expect(dialog(told)).toBe(dialog(before))
  expect(cseq(told)).toBeGreaterThan(cseq(before))
  expect([stateOf(told), isOpen(told)]).toEqual(['active', false])
  await client(gateway, 'balcony')
  const open = await next(tybalt, 'NOTIFY', isOpen)
  expect(cseq(open)).toBeGreaterThan(cseq(told))
  expect((await watching.subscribe(3_600)).status).toBe(200)
  expect(isOpen(await next(tybalt, 'NOTIFY'))).toBe(true)
  // A start takes half a second; nothing is waited for besides.
  expect(back - killed).toBeLessThan(10_000)
})

test.skipIf(lacks('slixmpp'))('what she sees of others is there again as soon as she is, in the dialog that was', async () => {
  const { gateway, tybalt } = await place()
  const juliet = await client(gateway, 'balcony')
  juliet.shows({ to: TYBALT, type: 'subscribe' })
  const subscribe = await next(tybalt, 'SUBSCRIBE')
  await tybalt.notify(subscribe, 'active;expires=3600', pidf(tybalt.uri, { id: 'desk', basic: 'open' }))
  await juliet.sees(TYBALT, 'available')
  await gateway.kill()
  await gateway.return()
  const again = await client(gateway, 'balcony')
  const asked = await next(tybalt, 'SUBSCRIBE')
  expect(asked.headers.get('Call-ID')).toBe(subscribe.headers.get('Call-ID'))
  expect(cseq(asked)).toBeGreaterThan(cseq(subscribe))
  await tybalt.notify(asked, 'active;expires=3600', pidf(tybalt.uri, { id: 'desk', basic: 'open', note: 'still here' }))
  expect((await again.sees(TYBALT, 'available')).text).toBe('still here')
})

test.skipIf(lacks('slixmpp'))('who has not been answered is asked for again, and who was let in needs not ask', async () => {
  const { gateway, tybalt } = await place()
  const juliet = await client(gateway, 'balcony')
  const paris = await tybalt.watch(JULIET, { as: `sip:${PARIS}` })
  await juliet.sees(PARIS, 'subscribe')
  await tybalt.watch(JULIET)
  await juliet.sees(TYBALT, 'subscribe')
  juliet.shows({ to: TYBALT, type: 'subscribed' })
  await next(tybalt, 'NOTIFY', isOpen)
  await gateway.kill()
  await gateway.return()
  const again = await client(gateway, 'balcony')
  await again.sees(PARIS, 'subscribe')
  const anew = await tybalt.watch(JULIET)
  expect(anew.last.status).toBe(200)
  await next(tybalt, 'NOTIFY', (notify) => notify.headers.get('Call-ID') === anew.dialog.callId && isOpen(notify))
  again.shows({ to: PARIS, type: 'subscribed' })
  const told = await next(tybalt, 'NOTIFY', (notify) => notify.headers.get('Call-ID') === paris.dialog.callId && isOpen(notify))
  expect(stateOf(told)).toBe('active')
})
