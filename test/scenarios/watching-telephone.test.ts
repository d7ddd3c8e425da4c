/** A telephone watches an XMPP user (RFC 3856): through the whole gateway, with a password, and in one dialog from its beginning to its end. */
import { afterEach, expect, test } from 'vitest'
import { bestChallenge, DigestAnswers } from '../../src/sip/digest-client.ts'
import { newCallId, newTag } from '../../src/sip/identifier.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'
import { keep, leave, until } from '../support/drachtio-place.ts'
import { GATEWAY, PASSWORD, type Town, town } from '../support/town.ts'

let house: Town | undefined
afterEach(async () => {
  await leave()
  await house?.stop()
})

const HOP = { transport: 'udp', ...GATEWAY } as const

test('it is asked for a password, hears the state, refreshes with its password alone, and ends', async () => {
  house = await town({ accounts: ['romeo', 'juliet'] })
  const phone = keep(house.network.join({ host: '192.0.2.9' }))
  const heard: SipRequest[] = []
  await phone.start(({ request }) => {
    heard.push(request)
    return response(200)
  })
  const [callId, tag] = [newCallId(), newTag()]
  let cseq = 0
  const ask = async (to: string, expires: number, isProved: boolean): Promise<SipResponse> => {
    const list = [
      'Max-Forwards',
      '70',
      'From',
      `<sip:romeo@xmpp.example>;tag=${tag}`,
      'To',
      to,
      'Call-ID',
      callId,
      'CSeq',
      `${++cseq} SUBSCRIBE`,
    ]
    list.push('Event', 'presence', 'Expires', String(expires), 'Contact', '<sip:romeo@192.0.2.9>', 'Accept', 'application/pidf+xml')
    const request = new SipRequest('SUBSCRIBE', 'sip:juliet@xmpp.example', new Headers(list), Buffer.alloc(0))
    const asked = await phone.send(request, HOP)
    const challenge = isProved ? bestChallenge(asked.headers.all('Proxy-Authenticate')) : undefined
    if (!challenge) return asked
    request.headers.set('CSeq', `${++cseq} SUBSCRIBE`)
    request.headers.set('Proxy-Authorization', new DigestAnswers(challenge, 'romeo', PASSWORD).answer('SUBSCRIBE', request.uri))
    return phone.send(request, HOP)
  }
  const begun = await ask('<sip:juliet@xmpp.example>', 600, true)
  expect(begun.status).toBe(200)
  expect(begun.headers.get('Expires')).toBe('600')
  await until(() => heard.length === 1)
  expect(heard[0]?.method).toBe('NOTIFY')
  expect(heard[0]?.headers.get('Subscription-State')).toMatch(/^pending;expires=\d+$/)
  const to = begun.headers.get('To') ?? ''
  expect((await ask(to, 600, false)).status).toBe(407)
  expect((await ask(to, 600, true)).status).toBe(200)
  await until(() => heard.length === 2)
  expect((await ask(to, 0, true)).status).toBe(200)
  await until(() => heard.length === 3)
  expect(heard[2]?.headers.get('Subscription-State')).toBe('terminated;reason=timeout')
  expect((await ask(to, 600, true)).status).toBe(481)
})
