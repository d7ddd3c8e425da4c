import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accountsOf } from '../../src/stream/sasl/client-certificates.ts'
import { Client } from '../support/client.ts'
import { ClientAuthority, type ClientIdentity, email, xmppAddr } from '../support/client-certificates.ts'
import { NS_SASL, refusalIn, successIn } from '../support/sasl-answers.ts'
import { DOMAIN, type StreamHouse, streamHouse } from '../support/stream-house.ts'

const ours = await ClientAuthority.make()
const theirs = await ClientAuthority.make()
const authorities = [new X509Certificate(readFileSync(ours.file))]
const known = { authorities, mail: false, accounts: new Map<string, string>() }
let house: StreamHouse
beforeAll(async () => {
  house = await streamHouse({ domains: [{ name: DOMAIN, mechanisms: ['EXTERNAL', 'PLAIN'], clientCertificates: known }] })
})
afterAll(async () => {
  await house.stop()
  ours.remove()
  theirs.remove()
})

async function shows(identity?: ClientIdentity): Promise<{ client: Client; mechanisms: string[] }> {
  const client = await Client.connect(house.port)
  await client.open({ to: DOMAIN })
  const features = await client.startTls(identity ?? {})
  const mechanisms = features.child('mechanisms', NS_SASL)?.elements() ?? []
  return { client, mechanisms: mechanisms.map((one) => one.text()) }
}

describe('a client with a certificate', () => {
  test('of juliet is offered EXTERNAL, and needs no password', async () => {
    const { client, mechanisms } = await shows(await ours.issue([xmppAddr(`juliet@${DOMAIN}`)]))
    expect(mechanisms).toEqual(['EXTERNAL', 'PLAIN'])
    client.auth('EXTERNAL', Buffer.alloc(0))
    successIn(await client.receive())
    await client.restart()
    expect(await client.bind('balcony')).toBe(`juliet@${DOMAIN}/balcony`)
    await client.close()
  })

  test('of two accounts says which one it wants', async () => {
    const { client } = await shows(await ours.issue([xmppAddr(`juliet@${DOMAIN}`), xmppAddr(`romeo@${DOMAIN}`)]))
    client.auth('EXTERNAL', Buffer.alloc(0))
    expect(refusalIn(await client.receive()).condition).toBe('invalid-authzid')
    client.auth('EXTERNAL', Buffer.from(`nurse@${DOMAIN}`))
    expect(refusalIn(await client.receive()).condition).toBe('invalid-authzid')
    client.auth('EXTERNAL', Buffer.from(`romeo@${DOMAIN}`))
    successIn(await client.receive())
    await client.restart()
    expect(await client.bind('orchard')).toBe(`romeo@${DOMAIN}/orchard`)
    await client.close()
  })

  for (const [what, issued] of [
    ['none', () => undefined],
    ['one of another authority', () => theirs.issue([xmppAddr(`juliet@${DOMAIN}`)])],
    ['one for another domain', () => ours.issue([xmppAddr('juliet@montague.example')])],
    ['one for a server', () => ours.issue([xmppAddr(`juliet@${DOMAIN}`)], 'serverAuth')],
    ['one with an address of mail alone', () => ours.issue([email(`juliet@${DOMAIN}`)])],
    ['one with a device', () => ours.issue([xmppAddr(`juliet@${DOMAIN}/balcony`)])],
  ] as const)
    test(`that has ${what} is not offered it, and does not get in by asking`, async () => {
      const { client, mechanisms } = await shows(await issued())
      expect(mechanisms).toEqual(['PLAIN'])
      client.auth('EXTERNAL', Buffer.from(`juliet@${DOMAIN}`))
      expect(refusalIn(await client.receive()).condition).toBe('not-authorized')
      client.destroy()
    })

  test('of somebody who has no account any more is refused like any stranger', async () => {
    const { client } = await shows(await ours.issue([xmppAddr(`tybalt@${DOMAIN}`)]))
    client.auth('EXTERNAL', Buffer.alloc(0))
    expect(refusalIn(await client.receive())).toMatchObject({ condition: 'not-authorized', text: 'The user name or the password is wrong' })
    client.destroy()
  })
})

describe('what a certificate is for', () => {
  const accounts = (identity: ClientIdentity, more = {}, now?: number) =>
    accountsOf(new X509Certificate(identity.cert), DOMAIN, { ...known, ...more }, now).map(String)

  test('an address of mail counts where the operator says so', async () => {
    expect(accounts(await ours.issue([email(`juliet@${DOMAIN}`)]), { mail: true })).toEqual([`juliet@${DOMAIN}`])
  })

  test('the operator’s table comes before what stands in it, by fingerprint', async () => {
    const identity = await ours.issue([xmppAddr(`juliet@${DOMAIN}`)])
    const { fingerprint256 } = new X509Certificate(identity.cert)
    expect(accounts(identity, { accounts: new Map([[fingerprint256, 'nurse']]) })).toEqual([`nurse@${DOMAIN}`])
  })

  test('nothing before its time, nor after', async () => {
    const identity = await ours.issue([xmppAddr(`juliet@${DOMAIN}`)])
    expect(accounts(identity)).toEqual([`juliet@${DOMAIN}`])
    expect(accounts(identity, {}, Date.now() + 40 * 86_400_000)).toEqual([])
    expect(accounts(identity, {}, Date.now() - 2 * 86_400_000)).toEqual([])
  })

  test('a name that was made to look like two is nobody’s', async () => {
    expect(accounts(await ours.issue([xmppAddr(`x, othername:XmppAddr:juliet@${DOMAIN}`)]))).toEqual([])
  })
})
