/** The suite of SIPp scenarios that `npm run sipp` plays for anyone. */
import { afterAll, beforeAll, describe, test } from 'vitest'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { ACCOUNTS, TELEPHONES } from './sipp/stage.ts'
import { suite } from './sipp/suite.ts'

describe.skipIf(lacks('sipp'))('SIPp', () => {
  let gateway: Gateway

  beforeAll(async () => {
    gateway = await Gateway.start({ telephonesPerAccount: TELEPHONES })
    await gateway.add(...ACCOUNTS)
  })
  afterAll(() => gateway?.stop())

  for (const play of suite) test(`${play.name}: ${play.shows}`, () => play.run(gateway))
})
