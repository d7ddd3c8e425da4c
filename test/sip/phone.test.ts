/** The telephone of the tests, against a registrar of a few lines: what scenarios build on must itself be right. */
import { afterEach, describe, expect, test } from 'vitest'
import { silent } from '../../src/log/log.ts'
import { claimFor, Digest } from '../../src/sip/digest.ts'
import { ha1 } from '../../src/sip/digest-hash.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { response, type SipRequest, type SipResponse } from '../../src/sip/message.ts'
import type { NextHop, Received, SipStack } from '../../src/sip/port.ts'
import { message } from '../contract/sip-stack.ts'
import { Phone, type PhoneIdentity } from '../support/phone.ts'

const REALM = 'xmpp.example'
const running: { stop(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()))
})

/** Lets in who knows romeo's password, and remembers where he is. */
class Registrar {
  readonly digest = new Digest(Buffer.from('secret'), () => this.now)
  readonly got: SipRequest[] = []
  now = 1_700_000_000_000
  reached: NextHop | undefined

  serve = ({ request, from }: Received): SipResponse => {
    this.got.push(request)
    const isRegister = request.method === 'REGISTER'
    const claim = claimFor(REALM, request.headers.all(isRegister ? 'Authorization' : 'Proxy-Authorization'))
    const verdict = claim ? this.digest.check(claim, request.method, ha1(claim.algorithm, 'romeo', REALM, 'montague')) : 'wrong'
    if (verdict !== 'right') {
      const name = isRegister ? 'WWW-Authenticate' : 'Proxy-Authenticate'
      const challenges = this.digest.challenge(REALM, verdict === 'stale').map((value) => [name, value] as const)
      return response(isRegister ? 401 : 407, undefined, challenges)
    }
    if (isRegister) this.reached = request.headers.get('expires') === '0' ? undefined : from
    return response(200)
  }
}

const worlds = {
  memory: async (registrar: Registrar, identity: Partial<PhoneIdentity>) => {
    const network = new MemoryNetwork()
    const stack = network.join({ host: '192.0.2.1' })
    await stack.start(registrar.serve)
    const phone = await Phone.on(network.join({ host: '192.0.2.7' }), {
      ...ROMEO,
      proxy: { transport: 'udp', host: '192.0.2.1', port: 5060 },
      ...identity,
    })
    return { stack, phone }
  },
  udp: (registrar: Registrar, identity: Partial<PhoneIdentity>) => onLoopback('udp', registrar, identity),
  tcp: (registrar: Registrar, identity: Partial<PhoneIdentity>) => onLoopback('tcp', registrar, identity),
}

const ROMEO = { user: 'romeo', domain: REALM, password: 'montague' }

async function onLoopback(transport: 'udp' | 'tcp', registrar: Registrar, identity: Partial<PhoneIdentity>) {
  const stack = embeddedStack({ listeners: [{ transport, port: 0, address: '127.0.0.1' }] }, silent)
  const listening = await stack.start(registrar.serve)
  const port = listening.find((one) => one.what === `sip/${transport}`)?.port ?? 0
  const phone = await Phone.onLoopback({ ...ROMEO, proxy: { transport, host: '127.0.0.1', port }, ...identity })
  return { stack, phone }
}

async function town(
  world: keyof typeof worlds,
  identity: Partial<PhoneIdentity> = {},
): Promise<{ registrar: Registrar; stack: SipStack; phone: Phone }> {
  const registrar = new Registrar()
  const { stack, phone } = await worlds[world](registrar, identity)
  running.push(phone, { stop: () => stack.stop(0) })
  return { registrar, stack, phone }
}

for (const world of ['memory', 'udp', 'tcp'] as const) {
  describe(`over ${world}`, () => {
    test('registers, is reached where it came from, answers what it is told, and leaves', async () => {
      const { registrar, stack, phone } = await town(world)
      expect((await phone.register()).status).toBe(200)
      expect(registrar.got.map((request) => request.headers.has('authorization'))).toEqual([false, true])
      const { reached } = registrar
      if (!reached) throw new Error('nobody registered')
      phone.answer = 486
      const answer = await stack.send(message('Wherefore art thou?'), reached)
      expect([answer.status, (await phone.received()).body.toString()]).toEqual([486, 'Wherefore art thou?'])
      await phone.unregister()
      expect(registrar.reached).toBeUndefined()
    })

    test('sends a message, and asks what the other side can do', async () => {
      const { registrar, phone } = await town(world)
      expect((await phone.message('sip:juliet@xmpp.example', 'Neither, fair saint', { headers: [['Subject', 'I']] })).status).toBe(200)
      expect((await phone.options('sip:xmpp.example')).status).toBe(200)
      const [, sent, options] = registrar.got
      expect([sent?.body.toString(), sent?.headers.get('subject'), sent?.headers.get('content-type')]).toEqual([
        'Neither, fair saint',
        'I',
        'text/plain;charset=UTF-8',
      ])
      // The challenge was answered once, and its nonce goes on.
      expect(options?.headers.get('proxy-authorization')).toContain('nc=00000002')
    })
  })
}

for (const algorithm of ['MD5', 'SHA-256'] as const) {
  test(`an old telephone that knows ${algorithm} only says so`, async () => {
    const { registrar, phone } = await town('memory', { algorithm })
    expect((await phone.register()).status).toBe(200)
    expect(registrar.got[1]?.headers.get('authorization')).toContain(`algorithm=${algorithm}`)
  })
}

test('a wrong password is tried once', async () => {
  const { registrar, phone } = await town('memory', { password: 'capulet' })
  expect((await phone.register()).status).toBe(401)
  expect(registrar.got).toHaveLength(2)
})

test('a nonce that grew old is replaced without the user', async () => {
  const { registrar, phone } = await town('memory')
  await phone.register()
  registrar.now += 3_600_000
  expect((await phone.register()).status).toBe(200)
  expect(registrar.got).toHaveLength(4)
})
