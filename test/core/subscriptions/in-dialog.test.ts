/** Who may speak in a dialog that is there: it was begun by somebody, and is refreshed by him. */
import { afterEach, expect, test } from 'vitest'
import type { SipUri } from '../../../src/address/sip-uri.ts'
import { RefusedError } from '../../../src/core/port.ts'
import { InDialog } from '../../../src/core/subscriptions/in-dialog.ts'
import { Notifier } from '../../../src/core/subscriptions/notifier.ts'
import { PACKAGES } from '../../../src/core/subscriptions/packages.ts'
import { response } from '../../../src/sip/message.ts'
import type { NextHop } from '../../../src/sip/port.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import {
  following,
  listening,
  notifyFor,
  ROMEO,
  received,
  requestOf,
  signalOf,
  TestOutward,
  THERE,
  watchOf,
} from '../../support/watching.ts'

const { log, mistakes } = listening()
const running: Notifier[] = []
afterEach(() => {
  for (const one of running.splice(0)) one.stop()
  expect(mistakes.splice(0)).toEqual([])
})
const ELSEWHERE: NextHop = { transport: 'udp', host: '198.51.100.66', port: 5_060 }

/** A dialog that this account began, or somebody whom his place vouches for. */
async function begun(account: SipUri | undefined, isKnown = false) {
  const asked: string[] = []
  const notifier = new Notifier({
    outward: new TestOutward(),
    views: { viewFor: () => ({ state: 'pending' }), begun: () => {}, ended: () => {} },
    kept: new MemoryStore().kept('notifier'),
    packages: PACKAGES,
    keepsDialogs: true,
    now: Date.now,
    log,
  })
  running.push(notifier)
  const subscriber = {
    inDialog: () => {
      throw new RefusedError(481, 'Subscription does not exist')
    },
  }
  const inDialog = new InDialog({
    notifier,
    subscriber,
    proofOf: async (request, one) => {
      asked.push(one.toString())
      return request.headers.has('Proxy-Authorization') ? undefined : response(407)
    },
    isKnown: () => isKnown,
  })
  const request = requestOf('SUBSCRIBE')
  const answer = await notifier.subscribe(signalOf(request, THERE, account), watchOf())
  const status = async (fields: Record<string, string> = {}, from = THERE, cseq = 2): Promise<number | undefined> => {
    try {
      return (await inDialog.serve(received(following(request, answer.header('To') ?? '', cseq, fields), from)))?.status
    } catch (cause) {
      if (cause instanceof RefusedError) return cause.status
      throw cause
    }
  }
  return { inDialog, status, asked, notifier }
}

test('a telephone of ours proves itself with each refresh, as when it began', async () => {
  const { status, asked } = await begun(ROMEO)
  expect(await status()).toBe(407)
  expect(await status({ 'Proxy-Authorization': 'Digest …' }, ELSEWHERE)).toBe(200)
  expect(asked).toEqual([ROMEO.toString(), ROMEO.toString()])
})

test('a challenged refresh has not counted: the same one with credentials is in order', async () => {
  const { status } = await begun(ROMEO)
  expect(await status({}, THERE, 2)).toBe(407)
  expect(await status({ 'Proxy-Authorization': 'Digest …' }, THERE, 2)).toBe(200)
})

test('what was begun from a next hop goes on from there, and from nowhere else', async () => {
  const { status, notifier } = await begun(undefined)
  expect(await status({ Expires: '0' }, ELSEWHERE)).toBe(403)
  expect(notifier.dialogs).toBe(1)
  expect(await status()).toBe(200)
})

test('or from another place of those that may speak for others', async () => {
  const { status } = await begun(undefined, true)
  expect(await status({}, ELSEWHERE)).toBe(200)
})

test('a dialog that nobody knows is 481, without a question for a password', async () => {
  const { inDialog, asked } = await begun(ROMEO)
  const stray = following(requestOf('SUBSCRIBE'), '<sip:juliet@xmpp.example>;tag=guessed', 2)
  await expect(inDialog.serve(received(stray))).rejects.toMatchObject({ status: 481 })
  expect(() => inDialog.serve(received(notifyFor(stray, 'active')))).toThrow('481')
  expect(asked).toEqual([])
})

test('what begins a dialog, or is of another method, is none of this room', async () => {
  const { inDialog } = await begun(ROMEO)
  expect(inDialog.serve(received(requestOf('SUBSCRIBE')))).toBeUndefined()
  expect(inDialog.serve(received(requestOf('MESSAGE', { To: '<sip:a@b.example>;tag=1' })))).toBeUndefined()
})
