/** Telephones registered here as presence programs nobody here wrote: they watch our users by their account's roster, and are seen as one more device of it. */
import { afterEach, describe, test } from 'vitest'
import { lacks } from './peers/installed.ts'
import { Profanity } from './peers/profanity.ts'
import { befriended, client, house, JULIET, keep, leaveAll, ROMEO, telephone } from './peers/verona.ts'

afterEach(leaveAll)

describe.skipIf(lacks('slixmpp'))('a telephone of romeo’s watches juliet', () => {
  for (const make of ['baresip', 'linphonec'] as const)
    for (const transport of ['udp', 'tcp'] as const)
      test.skipIf(lacks(make))(`${make} asks in his name and waits for her yes, over ${transport}`, async () => {
        const gateway = await house()
        const juliet = await client(gateway, 'juliet')
        const phone = await telephone(make, gateway, { transport, watches: true })
        await juliet.sees(ROMEO, 'subscribe')
        juliet.shows({ to: ROMEO, type: 'subscribed' })
        await phone.sees('Online')
        juliet.shows({ show: 'dnd', text: 'The nurse is here' })
        await phone.sees('Busy')
        await juliet.leave()
        await phone.sees('Offline')
      })

  for (const make of ['baresip', 'linphonec'] as const)
    test.skipIf(lacks(make))(`${make} hears her no`, async () => {
      const gateway = await house()
      const juliet = await client(gateway, 'juliet')
      const phone = await telephone(make, gateway, { watches: true })
      await juliet.sees(ROMEO, 'subscribe')
      juliet.shows({ to: ROMEO, type: 'unsubscribed' })
      await phone.isRejected()
    })

  test.skipIf(lacks('baresip'))('it sees her at once where he does, and its going costs him nothing', async () => {
    const gateway = await house()
    const juliet = await client(gateway, 'juliet')
    const romeo = await client(gateway, 'romeo', 'orchard')
    await befriended(juliet, romeo)
    const phone = await telephone('baresip', gateway, { watches: true })
    await phone.sees('Online')
    await phone.stop()
    juliet.shows({ show: 'away' })
    await romeo.sees(JULIET, 'away')
    juliet.shows({ to: ROMEO, type: 'unsubscribed' })
    await romeo.lists(JULIET, 'from')
  })

  test.skipIf(lacks('baresip', 'profanity'))('she reads in profanity who asks, and lets it see her', async () => {
    const gateway = await house()
    const juliet = await Profanity.start(gateway.login('juliet', 'balcony'))
    keep(() => juliet.stop())
    await juliet.online()
    const phone = await telephone('baresip', gateway, { watches: true })
    await juliet.screen(`Received authorization request from ${ROMEO}`)
    await juliet.command(`/sub allow ${ROMEO}`)
    await phone.sees('Online')
  })
})
