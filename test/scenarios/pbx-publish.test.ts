/** The presence of our users at the PBX that their domain lives on (RFC 3903). */
import { afterEach, expect, test } from 'vitest'
import { response } from '../../src/sip/message.ts'
import { el } from '../../src/xml/element.ts'
import { NS_CLIENT } from '../support/client.ts'
import { PBX, party } from '../support/routed-town.ts'
import { type Town, town } from '../support/town.ts'

let place: Town | undefined
afterEach(() => place?.stop())

test('what juliet is goes there as she comes, and is taken back when she leaves', async () => {
  place = await town({ presence: 'publish', pbx: { uri: `sip:${PBX}`, register: false } })
  const pbx = await party(place)
  pbx.answer = ({ method }) =>
    method === 'PUBLISH'
      ? response(200, undefined, [
          ['SIP-ETag', 'one'],
          ['Expires', '3600'],
        ])
      : response(200)
  const said = async () => {
    for (;;) {
      const request = await pbx.received()
      if (request.method === 'PUBLISH') return request
    }
  }
  const juliet = await place.client('juliet')
  const first = await said()
  expect([first.uri, first.headers.get('Expires'), first.headers.get('SIP-If-Match')]).toEqual([
    'sip:juliet@xmpp.example',
    '3600',
    undefined,
  ])
  expect(first.body.toString()).toContain('open')
  juliet.send(el('presence', NS_CLIENT, { type: 'unavailable' }))
  const last = await said()
  expect([last.headers.get('Expires'), last.headers.get('SIP-If-Match'), last.body.length]).toEqual(['0', 'one', 0])
})
