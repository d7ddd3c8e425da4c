/** Telephones nobody here wrote call each other through the gateway; SIPp's calls are in sipp.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'

let gateway: Gateway

beforeAll(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo')
})
afterAll(() => gateway?.stop())

async function telephone(user: string, transport: 'udp' | 'tcp' = 'udp'): Promise<Baresip> {
  const phone = await Baresip.start({
    ...gateway.line(user, transport),
    contact: 'sip:nobody@xmpp.example',
    certificate: gateway.certificate,
  })
  await phone.registered()
  return phone
}

async function withPhones(phones: readonly Promise<Baresip>[], talk: (...phones: Baresip[]) => Promise<void>): Promise<void> {
  const started = await Promise.all(phones)
  try {
    await talk(...started)
  } finally {
    await Promise.all(started.map((phone) => phone.stop()))
  }
}

describe.skipIf(lacks('baresip'))('baresip', () => {
  for (const [from, to] of [
    ['udp', 'udp'],
    ['tcp', 'udp'],
    ['udp', 'tcp'],
  ] as const) {
    test(`over ${from} calls another over ${to}, which answers; each of them can hang up`, async () => {
      await withPhones([telephone('juliet', from), telephone('romeo', to)], async (juliet, romeo) => {
        if (!juliet || !romeo) return
        for (const ender of [juliet, romeo]) {
          await juliet.call('sip:romeo@xmpp.example')
          expect(await romeo.rings()).toMatch(/juliet@xmpp\.example/)
          await juliet.hearsRinging()
          await romeo.accept()
          await Promise.all([juliet.talks(), romeo.talks()])
          await ender.hangUp()
          await Promise.all([juliet.ended(), romeo.ended()])
        }
      })
    })
  }

  test('stops ringing when the caller gives up', async () => {
    await withPhones([telephone('juliet'), telephone('romeo')], async (juliet, romeo) => {
      await juliet?.call('sip:romeo@xmpp.example')
      await romeo?.rings()
      await juliet?.hearsRinging()
      await juliet?.hangUp()
      await romeo?.ended()
    })
  })

  test('rings on two devices; one answers, and the other stops', async () => {
    await withPhones([telephone('juliet'), telephone('romeo'), telephone('romeo')], async (juliet, cell, desk) => {
      await juliet?.call('sip:romeo@xmpp.example')
      await Promise.all([cell?.rings(), desk?.rings()])
      await desk?.accept()
      await Promise.all([juliet?.talks(), desk?.talks(), cell?.ended()])
      await juliet?.hangUp()
      await desk?.ended()
    })
  })

  test('declines, and the caller hears so', async () => {
    await withPhones([telephone('juliet'), telephone('romeo')], async (juliet, romeo) => {
      await juliet?.call('sip:romeo@xmpp.example')
      await romeo?.rings()
      await romeo?.hangUp()
      expect(await juliet?.ended()).toMatch(/^(?:486|603)/)
    })
  })
})
