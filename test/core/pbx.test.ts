import { expect, test } from 'vitest'
import { DigestSender } from '../../src/core/pbx/digest-sender.ts'
import { ForkCopies } from '../../src/core/pbx/fork-copies.ts'
import { Headers, response, SipRequest, type SipResponse } from '../../src/sip/message.ts'

const request = (tag = 'a', cseq = 1, method = 'REGISTER'): SipRequest => {
  const fields = ['From', `<sip:romeo@xmpp.example>;tag=${tag}`, 'Call-ID', 'one', 'CSeq', `${cseq} ${method}`]
  return new SipRequest(method, 'sip:juliet@xmpp.example', new Headers(fields), Buffer.alloc(0))
}

const asks = (realm: string, nonce: string, more = ''): SipResponse =>
  response(407, undefined, [['Proxy-Authenticate', `Digest realm="${realm}", nonce="${nonce}", qop="auth"${more}`]])

/** A PBX that says one thing after the other, and keeps what it was sent. */
function pbx(...answers: readonly SipResponse[]) {
  const sent: SipRequest[] = []
  const send = async (one: SipRequest): Promise<SipResponse> => {
    sent.push(one)
    return answers[sent.length - 1] ?? response(500)
  }
  return { sent, send }
}

test('a challenge is answered with the next CSeq in the same call, and the next request carries credentials at once', async () => {
  const sender = new DigestSender('romeo', 'secret', 3)
  const { sent, send } = pbx(asks('pbx', 'n1'), response(200), response(200))
  expect((await sender.send(request(), send)).status).toBe(200)
  expect((await sender.send(request('b'), send)).status).toBe(200)
  expect(sent.map(({ headers }) => headers.get('CSeq'))).toEqual(['1 REGISTER', '2 REGISTER', '1 REGISTER'])
  expect(sent[2]?.headers.get('Proxy-Authorization')).toMatch(/nonce="n1".*nc=00000002/)
})

test('two challenges in one field are two', async () => {
  const both = response(407, undefined, [
    ['Proxy-Authenticate', 'Digest realm="pbx", nonce="n1", algorithm=SHA-256, qop="auth", Digest realm="pbx", nonce="n1", algorithm=MD5'],
  ])
  const { sent, send } = pbx(both, response(200))
  expect((await new DigestSender('romeo', 'secret', 3).send(request(), send)).status).toBe(200)
  expect(sent[1]?.headers.get('Proxy-Authorization')).toContain('algorithm=SHA-256')
})

test('a wrong password is tried once', async () => {
  const { sent, send } = pbx(asks('pbx', 'n1'), asks('pbx', 'n2'), response(200))
  expect((await new DigestSender('romeo', 'wrong', 3).send(request(), send)).status).toBe(407)
  expect(sent).toHaveLength(2)
})

test('a nonce that has grown old is no wrong password', async () => {
  const { send } = pbx(asks('pbx', 'n1'), asks('pbx', 'n2', ', stale=true'), response(200))
  expect((await new DigestSender('romeo', 'secret', 3).send(request(), send)).status).toBe(200)
})

test('a PBX that always finds the nonce old is not asked for ever', async () => {
  const stale = Array.from({ length: 20 }, (_, i) => asks('pbx', `n${i}`, ', stale=true'))
  const { sent, send } = pbx(...stale)
  expect((await new DigestSender('romeo', 'secret', 3).send(request(), send)).status).toBe(407)
  expect(sent).toHaveLength(4)
})

test('somebody behind the PBX who asks for the password is told nothing', async () => {
  const sender = new DigestSender('romeo', 'secret', 3)
  await sender.send(request(), pbx(asks('pbx', 'n1'), response(200)).send)
  const { sent, send } = pbx(asks('stranger.example', 'n2'), response(200))
  expect((await sender.send(request('b'), send)).status).toBe(407)
  expect(sent).toHaveLength(1)
})

test('only a registrar says which realm is the PBX’s, also where another address of it has a realm of its own', async () => {
  const sender = new DigestSender('romeo', 'secret', 3)
  const message = request('a', 1, 'MESSAGE')
  expect((await sender.send(message, pbx(asks('pbx', 'n1'), response(200)).send)).status).toBe(407)
  expect((await sender.send(request(), pbx(asks('pbx', 'n1'), response(200)).send)).status).toBe(200)
  expect((await sender.send(message, pbx(asks('pbx', 'n2', ', stale=true'), response(200)).send)).status).toBe(200)
  sender.moved()
  const { sent, send } = pbx(asks('other', 'n3'))
  expect((await sender.send(message, send)).status).toBe(407)
  expect(sent.map(({ headers }) => headers.has('Proxy-Authorization'))).toEqual([false])
  expect((await sender.send(request(), pbx(asks('other', 'n3'), response(200)).send)).status).toBe(200)
})

test('a password that is forgotten signs nothing any more', async () => {
  const sender = new DigestSender('romeo', 'secret', 3)
  await sender.send(request(), pbx(asks('pbx', 'n1'), response(200)).send)
  sender.forget()
  sender.moved()
  const { sent, send } = pbx(asks('pbx', 'n2'), response(200))
  expect((await sender.send(request('b'), send)).status).toBe(407)
  expect(sent[0]?.headers.has('Proxy-Authorization')).toBe(false)
})

test('copies of one fork get the answer of the first, another message its own', async () => {
  let now = 0
  let served = 0
  const copies = new ForkCopies(() => now)
  const serve = async (): Promise<SipResponse> => response(200 + served++)
  const [first, copy] = await Promise.all([copies.once(request(), 'romeo', serve), copies.once(request(), 'romeo', serve)])
  expect([first.status, copy.status, (await copies.once(request(), 'romeo', serve)).status]).toEqual([200, 200, 200])
  expect((await copies.once(request('b'), 'romeo', serve)).status).toBe(201)
  expect((await copies.once(request('a', 2), 'romeo', serve)).status).toBe(202)
  expect((await copies.once(request(), 'juliet', serve)).status).toBe(203)
  now = 31_000
  expect((await copies.once(request(), 'romeo', serve)).status).toBe(200)
  now = 100_000
  expect((await copies.once(request(), 'romeo', serve)).status).toBe(204)
})
