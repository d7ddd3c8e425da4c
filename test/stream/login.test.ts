import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Client } from '../support/client.ts'
import { DOMAIN, PASSWORD, type StreamHouse, streamHouse } from '../support/stream-house.ts'

describe('login', () => {
  let house: StreamHouse
  beforeAll(async () => {
    house = await streamHouse()
  })
  afterAll(() => house.stop())

  test('juliet logs in over STARTTLS with SCRAM and gets the resource she asked for', async () => {
    const client = await Client.connect(house.port)
    await client.open({ to: DOMAIN })
    await client.startTls()
    await client.scram({ user: 'juliet', password: PASSWORD })
    await client.restart()
    expect(await client.bind('balcony')).toBe(`juliet@${DOMAIN}/balcony`)
    await client.close()
  })
})
