/** What presence between clients costs elsewhere: nothing on the wire, and no order lost where the store takes its time. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { befriend, online, presence, settled } from '../support/friends.ts'
import { message } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

let verona: Town
beforeEach(async () => {
  verona = await town()
})
afterEach(() => verona.stop())

/** As a database does: what is written is there a little later. */
function slowly({ rosters }: Town['store']): void {
  const put = rosters.put.bind(rosters)
  const remove = rosters.remove.bind(rosters)
  const later = () => new Promise<void>((resolve) => setImmediate(resolve))
  rosters.put = async (...args) => {
    await later()
    put(...args)
  }
  rosters.remove = async (...args) => {
    await later()
    remove(...args)
  }
}

test('two who see each other have no SIP dialog, and nothing of theirs is on the wire', async () => {
  let packets = 0
  verona.network.intercept = () => {
    packets++
    return 'pass'
  }
  const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
  for (let n = 0; n < 10; n++) juliet.send(presence({}, el('status', NS_CLIENT, {}, String(n))))
  await settled(juliet)
  expect(await settled(romeo)).toHaveLength(10)
  expect(packets).toBe(0)
})

test('what is said after a request arrives after it, however long the store takes', async () => {
  slowly(verona.store)
  const romeo = await online(verona, 'romeo', 'orchard')
  const juliet = await online(verona, 'juliet', 'balcony')
  romeo.send(presence({ type: 'subscribe', to: 'juliet@xmpp.example' }))
  romeo.send(message('juliet@xmpp.example', 'It is me'))
  romeo.send(presence({ type: 'unsubscribe', to: 'juliet@xmpp.example' }))
  romeo.send(message('juliet@xmpp.example', 'Never mind'))
  const heard: (string | undefined)[] = []
  while (heard.length < 4) {
    const xml = await juliet.receive()
    heard.push(xml.child('body')?.text() ?? xml.attr('type'))
  }
  expect(heard).toEqual(['subscribe', 'It is me', 'unsubscribe', 'Never mind'])
  expect(await settled(juliet)).toEqual([])
})

test('with such a store two become friends as with any other', async () => {
  slowly(verona.store)
  const { romeo, juliet } = await befriend(verona, 'romeo', 'juliet')
  juliet.send(presence({}, el('show', NS_CLIENT, {}, 'away')))
  const seen = (await settled(juliet)).concat(await settled(romeo)).filter((xml) => xml.child('show')?.text() === 'away')
  expect(seen.map((xml) => xml.attr('to'))).toEqual(['juliet@xmpp.example', 'romeo@xmpp.example'])
})
