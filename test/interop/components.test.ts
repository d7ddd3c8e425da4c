/** Components that others wrote (XEP-0114): right and wrong secret, and what they have to say to clients and telephones. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { biboumi, type EchoComponent, slixmppComponent, xmppComponent } from './peers/component.ts'
import { Folder } from './peers/folder.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import type { Program } from './peers/program.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const SECRET = 's3cret'
const LIBRARIES = { slixmpp: slixmppComponent, '@xmpp/component': xmppComponent } as const
const domainOf = (name: string): string => `${name.replace(/\W/g, '')}.xmpp.example`

let gateway: Gateway
let juliet: XmppPeer

beforeAll(async () => {
  const names = [...Object.keys(LIBRARIES), 'biboumi']
  gateway = await Gateway.start({ components: names.map((name) => ({ domain: domainOf(name), secret: SECRET })) })
  await gateway.add('juliet')
  juliet = xmppClient(gateway.login('juliet', 'balcony'))
  await juliet.online()
})
afterAll(async () => {
  await juliet?.leave()
  await gateway?.stop()
})

for (const [name, connect] of Object.entries(LIBRARIES))
  describe.skipIf(name === 'slixmpp' && lacks('slixmpp'))(name, () => {
    let component: EchoComponent | undefined
    afterEach(() => component?.stop())

    test('with a wrong secret it is not let in', async () => {
      component = connect({ domain: domainOf(name), secret: 'wrong', port: gateway.port('xmpp') })
      expect(await component.outcome()).toBe('not-authorized')
    })

    test('with the right one it hears juliet, and she hears it', async () => {
      component = connect({ domain: domainOf(name), secret: SECRET, port: gateway.port('xmpp') })
      expect(await component.outcome()).toBe('online')
      juliet.say(`hamlet@${domainOf(name)}`, 'Art thou there?')
      expect(await component.hears('Art thou there?')).toMatchObject({ from: juliet.jid, to: `hamlet@${domainOf(name)}` })
      expect((await juliet.hears('you said: Art thou there?')).from).toBe(`hamlet@${domainOf(name)}`)
    })

    test('what was said while it was away is there when it is back', async () => {
      juliet.say(`hamlet@${domainOf(name)}`, 'Where wast thou?')
      component = connect({ domain: domainOf(name), secret: SECRET, port: gateway.port('xmpp') })
      await component.hears('Where wast thou?')
      await juliet.hears('you said: Where wast thou?')
    })
  })

describe.skipIf(lacks('biboumi'))('biboumi', () => {
  let program: Program | undefined
  let folder: Folder
  beforeAll(async () => {
    folder = await Folder.make('biboumi')
  })
  afterEach(() => program?.stop('SIGKILL'))
  afterAll(() => folder?.remove())

  test('with a wrong secret it does not serve', async () => {
    program = await biboumi({ domain: domainOf('biboumi'), secret: 'wrong', port: gateway.port('xmpp') }, folder)
    await program.line(/not-authorized|do not belong together|[Ss]tream error/, 20_000)
    expect(await gateway.log()).toMatch(/component_refused.*wrong secret or unknown name/)
  })

  test('with the right one it serves', async () => {
    program = await biboumi({ domain: domainOf('biboumi'), secret: SECRET, port: gateway.port('xmpp') }, folder)
    expect((await juliet.version(domainOf('biboumi'), 30_000)).name).toMatch(/biboumi/i)
    const info = await juliet.iq(domainOf('biboumi'), 'http://jabber.org/protocol/disco#info', 'query')
    expect(info.condition ?? undefined).toBeUndefined()
  })
})
