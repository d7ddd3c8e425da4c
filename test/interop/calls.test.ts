/** Telephones nobody here wrote call each other through the gateway. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { freePort } from './peers/ports.ts'
import { at, registerBySipp, Sipp, sipp, who } from './peers/sipp.ts'

let gateway: Gateway

beforeAll(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo', 'nurse', 'tybalt')
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

describe.skipIf(lacks('sipp'))('SIPp', () => {
  /** Calls from juliet to tybalt. */
  const calling = (transport: 'udp' | 'tcp' = 'udp') => {
    const line = gateway.line('juliet', transport)
    return { ...at(line), keys: { ...who(line), to: 'tybalt@xmpp.example' }, credentials: { ...line, uri: 'tybalt@xmpp.example' } }
  }

  async function tybaltPlays(scenario: string, conversation: () => Promise<unknown>): Promise<void> {
    const port = await freePort()
    await registerBySipp(gateway.line('tybalt'), port)
    const tybalt = await Sipp.start(scenario, { port, calls: 1 })
    try {
      await conversation()
      expect((await tybalt.end()).code).toBe(0)
    } finally {
      await tybalt.stop()
    }
    await registerBySipp(gateway.line('tybalt'), port, 0)
  }

  for (const transport of ['udp', 'tcp'] as const)
    test(`calls over ${transport}, is answered and hangs up`, () => tybaltPlays('take-call', () => sipp('call', calling(transport))))

  test('calls and gives up', () => tybaltPlays('ring-until-cancelled', () => sipp('call-cancelled', calling())))

  test('rings at two: one takes the call, the other is cancelled', async () => {
    const ports = [await freePort(), await freePort()] as const
    for (const port of ports) await registerBySipp(gateway.line('tybalt'), port)
    const taking = await Sipp.start('take-call', { port: ports[0], calls: 1 })
    const ringing = await Sipp.start('ring-until-cancelled', { port: ports[1], calls: 1 })
    try {
      await sipp('call', calling())
      expect([(await taking.end()).code, (await ringing.end()).code]).toEqual([0, 0])
    } finally {
      await Promise.all([taking.stop(), ringing.stop()])
    }
    for (const port of ports) await registerBySipp(gateway.line('tybalt'), port, 0)
  })
})
