import { expect, test } from 'vitest'
import { Digest } from '../../src/sip/digest.ts'
import { response } from '../../src/sip/message.ts'
import { Caller } from '../support/caller.ts'
import { PBX, party, TYBALT, verona } from '../support/routed-town.ts'
import { GATEWAY } from '../support/town.ts'

const REALM = 'Digest realm="pbx.example"'

/** A next hop that wants a password of its own. */
const asking = (digest: Digest) => (request: { headers: { all(name: string): string[] } }) =>
  request.headers.all('Proxy-Authorization').some((field) => field.includes('realm="pbx.example"'))
    ? response(200)
    : response(407, undefined, [['Proxy-Authenticate', digest.challenge('pbx.example')[1] ?? '']])

test('a telephone of ours answers a next hop that asks for a password, which never sees its answer to us', async () => {
  const at = await verona({ routes: [`pbx.example = sip:${PBX}`] })
  const pbx = await party(at)
  pbx.answer = asking(new Digest(Buffer.alloc(32), () => Date.now()))
  const phone = await at.phone('romeo')
  expect((await phone.message(TYBALT, 'It is the east')).status).toBe(200)
  expect((await phone.message(TYBALT, 'and Juliet is the sun')).status).toBe(200)
  expect(pbx.requests.length).toBeGreaterThanOrEqual(3)
  const shown = pbx.requests.flatMap(({ headers }) => [...headers.all('Proxy-Authorization'), ...headers.all('Authorization')])
  expect(shown.length).toBeGreaterThanOrEqual(2)
  for (const field of shown) expect(field).toMatch(/realm="pbx\.example"/)
})

test('a call that a next hop wants a password for can be made', async () => {
  const at = await verona({ routes: [`pbx.example = sip:${PBX}`] })
  if (!at.stack.can.proxy || at.drachtio) return
  const pbx = await party(at)
  pbx.answer = () => response(407, undefined, [['Proxy-Authenticate', `${REALM}, nonce="n", algorithm=MD5, qop="auth"`]])
  const caller = new Caller(at.network, 'romeo', 'xmpp.example', 'r0m30myr0m30', { host: '192.0.2.90', port: 5_060, gateway: GATEWAY })
  await caller.register()
  await caller.ask('INVITE', TYBALT, [['Contact', `<${caller.contact}>`]])
  const answer = await caller.response('INVITE', 101)
  expect([answer.status, answer.headers.get('Proxy-Authenticate')]).toEqual([407, expect.stringContaining('pbx.example')])
  expect(pbx.requests[0]?.headers.has('Proxy-Authorization')).toBe(false)
})
