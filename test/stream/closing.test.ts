import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Jid } from '../../src/address/jid.ts'
import { Client } from '../support/client.ts'
import { DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

let house: StreamHouse
beforeAll(async () => {
  house = await streamHouse()
})
afterAll(() => house.stop())

describe('a client', () => {
  test('that closes its stream gets ours closed, and what was under way before it', async () => {
    const client = await Client.session(house.port, 'juliet', DOMAIN, PASSWORD, 'balcony')
    client.say(`<message to='juliet@${DOMAIN}/balcony' id='last'/></stream:stream>`)
    const last = await client.next()
    expect(last.kind === 'element' && last.element.attr('id')).toBe('last')
    expect((await client.next()).kind).toBe('closing tag')
    expect((await client.next()).kind).toBe('end')
    expect(house.ended).toContain(`juliet@${DOMAIN}/balcony`)
    expect(house.sessions.find(Jid.parse(`juliet@${DOMAIN}/balcony`))).toBeUndefined()
  })

  test('that closes before it has said anything is let go', async () => {
    const client = await Client.connect(house.port)
    client.hangUp()
    await client.receiveEnd()
  })

  test('that closes half of the connection still hears the end of ours', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    client.hangUp()
    expect((await client.next()).kind).toBe('closing tag')
    await client.receiveEnd()
  })

  test('whose cable is pulled out is over, and nothing is left of it', async () => {
    const client = await Client.session(house.port, 'romeo', DOMAIN, PASSWORD, 'orchard')
    const session = house.sessions.find(Jid.parse(`romeo@${DOMAIN}/orchard`))
    const over = new Promise<void>((resolve) => {
      const { ended } = house
      const length = ended.length
      const look = () => (ended.length > length ? resolve() : setImmediate(look))
      look()
    })
    client.destroy()
    await over
    await expect(session?.written()).rejects.toThrow()
    expect(house.sessions.find(Jid.parse(`romeo@${DOMAIN}/orchard`))).toBeUndefined()
  })

  test('that sends half a stanza and goes is over, and the half is nothing', async () => {
    const romeo = await Client.session(house.port, 'romeo', DOMAIN, PASSWORD)
    const juliet = await Client.session(house.port, 'juliet', DOMAIN, PASSWORD, 'half')
    juliet.say(`<message to='romeo@${DOMAIN}' id='half'><body>Wherefore`)
    juliet.hangUp()
    await juliet.receiveEnd()
    romeo.say(`<message to='romeo@${DOMAIN}' id='whole'/>`)
    expect((await romeo.receive()).attr('id')).toBe('whole')
    await romeo.close()
  })

  test('that does not answer our closing tag is not waited for for ever', async () => {
    const impatient = await streamHouse({ limits: { closeSeconds: 0.05 } })
    const socket = connect({ port: impatient.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('error', () => {})
    socket.write('nonsense')
    socket.resume()
    await once(socket, 'end') // and we do not end ours
    await expect.poll(() => impatient.service.count).toBe(0)
    socket.destroy()
    await impatient.stop()
  })

  test('that does not log in is sent away when its time is up', async () => {
    const impatient = await streamHouse({ limits: { authenticationSeconds: 0.05 } })
    const silent = await Client.connect(impatient.port)
    expect((await silent.receiveStreamError()).condition).toBe('connection-timeout')
    const slow = await Client.connect(impatient.port)
    await slow.open({ to: DOMAIN })
    expect((await slow.receiveStreamError()).condition).toBe('policy-violation')
    await impatient.stop()
  })
})

describe('the service', () => {
  test('says goodbye to everybody when it stops', async () => {
    const closing = await streamHouse()
    const juliet = await Client.session(closing.port, 'juliet', DOMAIN, PASSWORD)
    const stranger = await Client.connect(closing.port)
    await stranger.open({ to: DOMAIN })
    const stopped = closing.service.stop(5000)
    expect((await juliet.receiveStreamError()).condition).toBe('system-shutdown')
    expect((await stranger.receiveStreamError()).condition).toBe('system-shutdown')
    await stopped
    await expect(Client.connect(closing.port)).rejects.toThrow(/ECONNREFUSED/)
  })

  test('tells a session of its own bug, logs it once, and goes on', async () => {
    const broken = await streamHouse()
    const juliet = await Client.session(broken.port, 'juliet', DOMAIN, PASSWORD)
    const romeo = await Client.session(broken.port, 'romeo', DOMAIN, PASSWORD)
    juliet.say("<message to='@@'/>") // the carrier of these tests throws at it
    expect((await juliet.receiveStreamError()).condition).toBe('internal-server-error')
    expect(broken.log.of('stream_failed')).toHaveLength(1)
    expect(broken.log.of('stream_failed')[0]?.error).toContain('JidError')
    romeo.say(`<message to='romeo@${DOMAIN}' id='fine'/>`)
    expect((await romeo.receive()).attr('id')).toBe('fine')
    await broken.stop()
  })
})

test('the tag of the log tells strangers from sessions, and numbers rise', async () => {
  const numbers = () => house.log.of('connected').map(({ tag }) => Number(/\d{6}/.exec(tag)?.[0]))
  const client = await Client.session(house.port, 'juliet', DOMAIN, PASSWORD, 'tagged')
  expect(house.log.of('connected').at(-1)?.tag).toMatch(/^XMPPI-\d{6}\(\[127\.0\.0\.1\]:\d+\)$/)
  expect(house.log.of('session_bound').at(-1)?.tag).toMatch(/^XMPPS-\d{6}\(\[127\.0\.0\.1\]:\d+\)$/)
  expect(numbers()).toEqual([...numbers()].sort((a, b) => a - b))
  await client.close()
})
