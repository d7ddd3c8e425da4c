/** A telephone on a PBX and a user of a component (XEP-0114): neither has an account here, and each sees the other. */
import { expect, test } from 'vitest'
import { type Element, el } from '../../src/xml/element.ts'
import type { Client } from '../support/client.ts'
import { components, connected, ICQ, NS_COMPONENT } from '../support/component.ts'
import { PresenceAgent, pidf, stateOf } from '../support/presence-agent.ts'
import { PBX, party, TYBALT, verona } from '../support/routed-town.ts'

const HAMLET = `hamlet@${ICQ}`
const BARE = 'tybalt@pbx.example'

const presence = (type: string | undefined, from: string, to: string, ...children: Element[]): Element =>
  el('presence', NS_COMPONENT, { type, from, to }, ...children)

async function heard(icq: Client): Promise<string> {
  for (;;) {
    const stanza = await icq.receive()
    if (stanza.name === 'presence') return `${stanza.attr('type') ?? 'available'} ${stanza.attr('from')}`
  }
}

test('a telephone on a PBX and a user of a component see each other', async () => {
  const at = await verona({ routes: [{ match: 'pbx.example', to: `sip:${PBX}` }], components: components() })
  const icq = await connected(at)
  const tybalt = new PresenceAgent(await party(at), TYBALT, PBX)

  // The user watches the telephone.
  icq.send(presence('subscribe', HAMLET, BARE))
  const subscribe = await tybalt.next()
  expect(subscribe.headers.get('From')).toContain(`sip:${HAMLET}`)
  await tybalt.notify(subscribe, 'active;expires=3600', pidf(TYBALT, { id: 'desk', basic: 'open' }))
  expect(await heard(icq)).toBe(`subscribed ${BARE}`)
  expect(await heard(icq)).toBe(`available ${BARE}/desk`)

  // The telephone watches the user; what belongs to `dialog` alone is passed by.
  const watching = await tybalt.watch(`sip:${HAMLET}`)
  expect(watching.last.status).toBe(200)
  const told = async (): Promise<typeof subscribe> => {
    for (;;) {
      const request = await tybalt.next()
      if (request.method === 'NOTIFY') return request
    }
  }
  expect(stateOf(await told())).toBe('pending')
  expect(await heard(icq)).toBe(`subscribe ${BARE}`)
  icq.send(presence('subscribed', HAMLET, BARE))
  icq.send(presence(undefined, `${HAMLET}/castle`, BARE, el('show', NS_COMPONENT, {}, 'dnd')))
  for (;;) {
    const notify = await told()
    if (!notify.body.toString().includes('<basic>open</basic>')) continue
    expect(stateOf(notify)).toBe('active')
    expect(notify.body.toString()).toContain('dnd')
    break
  }

  // And each hears when the other goes.
  await tybalt.notify(subscribe, 'active;expires=3000', pidf(TYBALT, { id: 'desk', basic: 'closed' }))
  expect(await heard(icq)).toBe(`unavailable ${BARE}/desk`)
  icq.send(presence('unavailable', `${HAMLET}/castle`, BARE))
  for (;;) if (!(await told()).body.toString().includes('<basic>open</basic>')) return
}, 20_000)
