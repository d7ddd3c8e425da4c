/** Telephones nobody here wrote, as devices of their accounts: there while they are registered, ringing, on the phone. */
import { afterEach, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { lacks } from './peers/installed.ts'
import { befriended, client, house, JULIET, keep, leaveAll, ROMEO, telephone } from './peers/verona.ts'

afterEach(leaveAll)

describe.skipIf(lacks('slixmpp'))('juliet sees romeo’s telephone', () => {
  for (const make of ['baresip', 'linphonec'] as const)
    test.skipIf(lacks(make))(`${make} comes and goes as a device of his`, async () => {
      const gateway = await house()
      const juliet = await client(gateway, 'juliet')
      const romeo = await client(gateway, 'romeo', 'orchard')
      await befriended(juliet, romeo)
      await romeo.leave()
      await juliet.sees(`${ROMEO}/orchard`, 'unavailable')
      juliet.events.clear()
      const phone = await telephone(make, gateway)
      const there = await juliet.sees(ROMEO, 'available')
      expect(there.from).not.toBe(`${ROMEO}/orchard`)
      // linphonec goes without a word: what says goodbye for it wants an answer, and it has ended before.
      if (make === 'linphonec') return
      await phone.stop()
      await juliet.sees(there.from ?? '', 'unavailable')
    })
})

test.skipIf(lacks('slixmpp', 'baresip'))(
  'two telephones in a call: juliet sees the one ring, then both on the phone, then both free',
  async () => {
    const gateway = await house()
    await gateway.add('nurse')
    const juliet = await client(gateway, 'juliet')
    const NURSE = 'nurse@xmpp.example'
    for (const [user, jid] of [
      ['romeo', ROMEO],
      ['nurse', NURSE],
    ] as const) {
      const own = await client(gateway, user, 'orchard')
      juliet.shows({ to: jid, type: 'subscribe' })
      await own.sees(JULIET, 'subscribe')
      own.shows({ to: JULIET, type: 'subscribed' })
      await juliet.lists(jid, 'to')
      await own.leave()
      await juliet.sees(`${jid}/orchard`, 'unavailable')
    }
    juliet.events.clear()
    const start = async (user: string, contact: string): Promise<Baresip> => {
      const phone = await Baresip.start({ ...gateway.line(user), contact, certificate: gateway.certificate })
      keep(() => phone.stop())
      await phone.registered()
      return phone
    }
    const romeo = await start('romeo', `sip:${NURSE}`)
    const nurse = await start('nurse', `sip:${ROMEO}`)
    await juliet.sees(ROMEO, 'available')
    await juliet.sees(NURSE, 'available')
    await romeo.call(`sip:${NURSE}`)
    await nurse.rings()
    await juliet.sees(NURSE, /^Ringing/)
    await nurse.accept()
    await nurse.talks()
    await juliet.sees(NURSE, /^On the phone/)
    await juliet.sees(ROMEO, /^On the phone/)
    juliet.events.clear()
    await romeo.hangUp()
    for (const jid of [NURSE, ROMEO]) {
      const free = await juliet.sees(jid, 'available')
      expect([free.show, free.text]).toEqual(['', ''])
    }
  },
)
