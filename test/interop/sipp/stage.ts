/** Where the scenarios of SIPp play: a gateway, the accounts whose telephones they are, and what several of them do in the same way. */
import type { Line } from '../peers/phone.ts'
import { freePort } from '../peers/ports.ts'
import { at, registerBySipp, type Scenario, Sipp, sipp, who } from '../peers/sipp.ts'

export type Transport = 'udp' | 'tcp'

/** A SIP server of anybody's. */
export interface Server {
  readonly domain: string
  /** Absent: 127.0.0.1. */
  readonly gatewayHost?: string
  readonly localHost?: string
  port(what: `sip/${Transport}`): number
}

/** A gateway of ours, with the accounts in ACCOUNTS. */
export interface House extends Server {
  line(user: string, transport?: Transport): Line
}

/** Everybody who has a telephone in these scenarios. */
export const ACCOUNTS = ['juliet', 'nurse', 'tybalt'] as const
export type Account = (typeof ACCOUNTS)[number]

/** How many telephones the account may have that rings on a hundred. */
export const TELEPHONES = 100

/** A scenario that needs nothing but a server, over that transport. */
export function ask(server: Server, name: string, scenario: Scenario = {}, transport: Transport = 'udp'): Promise<readonly string[]> {
  const { domain, gatewayHost = '127.0.0.1', localHost = '127.0.0.1' } = server
  // Nobody may be there at all.
  const where = { gatewayHost, localHost, gatewayPort: server.port(`sip/${transport}`), transport, seconds: 10 }
  return sipp(name, { ...where, ...scenario, keys: { domain, ...scenario.keys } })
}

/** What juliet's telephone needs to reach somebody. */
export function toward(house: House, to: string, transport: Transport = 'udp'): Scenario {
  const line = house.line('juliet', transport)
  const address = `${to}@${house.domain}`
  return { ...at(line), keys: { ...who(line), to: address, breadth: 60 }, credentials: { ...line, uri: address } }
}

/** Registers with a password, its own or another. */
export function registering(house: House, user: string, password = house.line(user).password): Scenario {
  const line = house.line(user)
  return { ...at(line), keys: who(line), credentials: { user, password, uri: house.domain } }
}

/** Telephones of that account play these scenarios, each its own, while `conversation` lasts; all of them have to end as they are written. */
export async function whilePlaying(
  house: House,
  user: Account,
  scenarios: readonly (readonly [name: string, scenario?: Scenario])[],
  conversation: () => Promise<unknown>,
): Promise<readonly Sipp[]> {
  const line = house.line(user)
  const phones: Sipp[] = []
  try {
    for (const [name, scenario] of scenarios) {
      const port = await freePort()
      await registerBySipp(line, port)
      phones.push(await Sipp.start(name, { calls: 1, ...scenario, port }))
    }
    await conversation()
    for (const phone of phones) await phone.endsWell()
    return phones
  } finally {
    await Promise.all(phones.map((phone) => phone.stop()))
    for (const { port } of phones) await registerBySipp(line, port, 0)
  }
}

/** As many telephones as an account may have, all of them ringing until another one is picked up: it is the last one. */
export async function whileAllRing(house: House, user: Account, conversation: () => Promise<unknown>): Promise<void> {
  const line = house.line(user)
  const ports: number[] = []
  for (let n = 0; n < TELEPHONES; n++) ports.push(await freePort())
  const contacts = ports.map((port) => `<sip:${user}@127.0.0.1:${port}>`).join(', ')
  const registration = { ...registering(house, user), keys: { ...who(line), contacts } }
  await sipp('register-contacts', { ...registration, keys: { ...registration.keys, expires: 600 } })
  const phones: Sipp[] = []
  try {
    for (const [n, port] of ports.entries()) {
      const name = n === TELEPHONES - 1 ? 'take-call' : 'ring-until-cancelled'
      phones.push(await Sipp.start(name, { calls: 1, port, withoutTrace: true }))
    }
    await sipp('register-full', registering(house, user))
    await conversation()
    for (const phone of phones) await phone.endsWell()
  } finally {
    await Promise.all(phones.map((phone) => phone.stop()))
    await sipp('register-contacts', { ...registration, keys: { ...registration.keys, expires: 0 } })
  }
}
