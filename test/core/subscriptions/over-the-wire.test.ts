/** Watching both ways between two programs, by printed and parsed bytes: once on our own stack, and once through a drachtio server's double. */
import { afterEach, describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { RefusedError } from '../../../src/core/port.ts'
import { InDialog } from '../../../src/core/subscriptions/in-dialog.ts'
import { NOTIFIER_DEFAULTS } from '../../../src/core/subscriptions/limits.ts'
import { Notifier } from '../../../src/core/subscriptions/notifier.ts'
import type { Next, Outward } from '../../../src/core/subscriptions/outward.ts'
import { PACKAGES } from '../../../src/core/subscriptions/packages.ts'
import type { Notice, View, Watch } from '../../../src/core/subscriptions/port.ts'
import { Subscriber } from '../../../src/core/subscriptions/subscriber.ts'
import { WireSignal } from '../../../src/core/wire-signal.ts'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { response, type SipResponse } from '../../../src/sip/message.ts'
import { parseNameAddr } from '../../../src/sip/name-addr.ts'
import type { NextHop, Received, SipStack } from '../../../src/sip/port.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { keep, leave, until } from '../../support/drachtio-place.ts'
import { StackOnDouble } from '../../support/drachtio-stack.ts'
import { following, JULIET, listening, ROMEO, requestOf } from '../../support/watching.ts'

const { log, mistakes } = listening()
afterEach(async () => {
  await leave()
  expect(mistakes.splice(0)).toEqual([])
})

const seen = (text: string): View => ({ state: 'active', document: { contentType: 'application/pidf+xml', body: Buffer.from(text) } })
const hopOf = ({ host, port = 5_060 }: SipUri): NextHop => ({ transport: 'tcp', host, port })

/** A program that watches and is watched. */
async function party(stack: SipStack, other: string, store = new MemoryStore()) {
  const told: string[] = []
  const view = { of: (_watch: Watch): View => seen('<first/>') }
  const outward: Outward = {
    startFor: ({ watcher, watched }) => ({
      target: watched,
      routes: [],
      next: { uri: SipUri.parse(other), hop: undefined, local: watcher, remote: watched },
    }),
    send: (request, next) => stack.send(request, next.hop ?? hopOf(next.uri)),
    contactFor: ({ uri, hop, local }: Next) => {
      const { host, port } = stack.localFor(hop ?? hopOf(uri))
      return SipUri.of(local.user, host, { port, params: [{ name: 'transport', value: 'tcp' }] })
    },
  }
  const shared = { outward, packages: PACKAGES, keepsDialogs: stack.can.dialogs === 'ours', now: Date.now, log }
  const notifier = new Notifier({
    ...shared,
    views: { viewFor: (watch) => view.of(watch), begun: () => told.push('begun'), ended: () => told.push('ended') },
    kept: store.kept('notifier'),
    limits: { ...NOTIFIER_DEFAULTS, notifySeconds: 0 },
  })
  const subscriber = new Subscriber({
    ...shared,
    notices: {
      noticed: (_watch, { state, reason, document }: Notice) => told.push([state, reason, document?.body].filter(Boolean).join(' ')),
      refused: (_watch, status) => told.push(`refused ${status}`),
      isWanted: () => true,
    },
    kept: store.kept('subscriber'),
    random: Math.random,
  })
  const inDialog = new InDialog({ notifier, subscriber, proofOf: async () => undefined, isKnown: () => false })
  const serve = async (received: Received): Promise<SipResponse> => {
    try {
      const { request, from: hop } = received
      const dialog = inDialog.serve(received)
      if (dialog) return await dialog
      const watched = SipUri.parse(request.uri)
      const watch = { watcher: SipUri.parse(parseNameAddr(request.headers.get('From') ?? '').uri), watched, event: 'presence' }
      const answer = await notifier.subscribe(WireSignal.of(request, { kind: 'wire', hop, trusted: false, account: undefined }), watch)
      return answer.responseFor({ xmppData: 'off', xmppDataHeaderBytes: 0, fullXmppData: false, fromGruu: false, maxMessageBytes: 65_536 })
    } catch (cause) {
      if (cause instanceof RefusedError) return response(cause.status, cause.reason, cause.headers)
      throw cause
    }
  }
  await keep(stack).start(serve)
  keep({ stop: async () => [notifier.stop(), subscriber.stop()] as never })
  return { stack, notifier, subscriber, told, view }
}

for (const kind of ['our own stack', 'drachtio'] as const) {
  describe(`on ${kind}`, () => {
    async function two() {
      const network = new MemoryNetwork()
      const below = network.join({ host: '192.0.2.1' })
      const us = await party(kind === 'drachtio' ? new StackOnDouble(below) : below, 'sip:192.0.2.2;transport=tcp')
      const them = await party(network.join({ host: '192.0.2.2' }), 'sip:192.0.2.1;transport=tcp')
      return { us, them }
    }

    test('one of theirs watches one of ours: sees, sees the change, and leaves', async () => {
      const { us, them } = await two()
      const watch = { watcher: ROMEO, watched: JULIET, event: 'presence' }
      them.subscriber.subscribe(watch)
      await until(() => them.told.length === 1)
      us.view.of = () => seen('<second/>')
      us.notifier.changed(JULIET)
      await until(() => them.told.length === 2)
      them.subscriber.unsubscribe(watch)
      await until(() => them.told.length === 3)
      expect(them.told).toEqual(['active <first/>', 'active <second/>', 'terminated timeout <second/>'])
      expect(us.told).toEqual(['begun', 'ended'])
      expect(us.notifier.dialogs).toBe(0)
    })

    test('one of ours watches one of theirs: sees, sees the change, and is rejected', async () => {
      const { us, them } = await two()
      const watch = { watcher: JULIET, watched: ROMEO, event: 'presence' }
      us.subscriber.subscribe(watch)
      await until(() => us.told.length === 1)
      them.view.of = () => seen('<second/>')
      them.notifier.changed(ROMEO)
      await until(() => us.told.length === 2)
      them.notifier.terminate(watch, 'rejected')
      await until(() => us.told.length === 3)
      expect(us.told).toEqual(['active <first/>', 'active <second/>', 'terminated rejected'])
      expect(us.subscriber.has(watch)).toBe(false)
    })

    test('one of ours leaves, and looks once more', async () => {
      const { us, them } = await two()
      const watch = { watcher: JULIET, watched: ROMEO, event: 'presence' }
      us.subscriber.subscribe(watch)
      await until(() => us.told.length === 1)
      us.subscriber.unsubscribe(watch)
      await until(() => them.told.length === 2)
      us.subscriber.fetch(watch)
      await until(() => us.told.length === 3)
      expect(us.told).toEqual(['active <first/>', 'terminated timeout <first/>', 'terminated timeout <first/>'])
      expect(them.told).toEqual(['begun', 'ended'])
    })

    test('what is in no dialog is 481', async () => {
      const { them } = await two()
      const first = requestOf('SUBSCRIBE')
      const stray = following(first, `<${JULIET}>;tag=guessed`, 2)
      stray.headers.remove('Via')
      const answer = await them.stack.send(stray, hopOf(SipUri.parse('sip:192.0.2.1')))
      expect(answer.status).toBe(481)
    })
  })
}
