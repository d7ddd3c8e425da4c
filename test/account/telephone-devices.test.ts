/** Registered telephones as devices, alone: what is told of them, and what is not. */
import { expect, test } from 'vitest'
import { TelephoneDevices } from '../../src/account/telephone-devices.ts'
import { SipUri } from '../../src/address/sip-uri.ts'
import { type Binding, Registrations } from '../../src/core/location.ts'
import { silent } from '../../src/log/log.ts'
import type { CallState } from '../../src/mapping/presence/dialog-info.ts'

const AOR = 'romeo@xmpp.example'
const binding = (contact: string, instance?: string): Binding => ({
  aor: AOR,
  contact: SipUri.parse(contact),
  hop: { transport: 'udp', host: '192.0.2.7', port: 5_060 },
  path: [],
  instance,
  q: 1,
  expiresAt: Date.now() + 60_000,
  callId: 'one',
  cseq: 1,
})

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function house() {
  const locations = new Registrations(Date.now, Buffer.from('the same with each start'))
  const told: string[] = []
  const taken: string[] = []
  let call: CallState | undefined
  const devices = new TelephoneDevices({
    locations,
    setDevice: (account, resource, presence) => {
      told.push(`${account} ${resource} ${presence ? (presence.child('status')?.text() ?? 'there') : 'gone'}`)
    },
    takeUp: (account, resource) => taken.push(`${account} ${resource}`),
    isSession: () => false,
    callOf: () => call,
    log: silent,
  })
  locations.watch((aor) => devices.changed(aor))
  const calls = (state: CallState | undefined) => {
    call = state
    devices.changed(AOR)
  }
  return { locations, devices, told, taken, calls }
}

test('after a restart they are there, and nobody is told what nobody was told the end of', async () => {
  const { locations, devices, told, taken } = house()
  locations.replace(AOR, [binding('sip:romeo@192.0.2.7', 'urn:uuid:1')])
  devices.takeUp()
  await turn()
  expect([taken, told]).toEqual([[`${AOR} urn:uuid:1`], []])
  locations.replace(AOR, [])
  await turn()
  expect(told).toEqual([`${AOR} urn:uuid:1 gone`])
})

test('one without an instance is found by its short name, which is the same after a restart', async () => {
  const [one, other] = [house(), house()]
  const found = binding('sip:romeo@192.0.2.7')
  one.locations.replace(AOR, [found])
  await turn()
  const name = one.told[0]?.split(' ')[1] ?? ''
  expect(one.locations.deviceOf(AOR, name)?.contact).toBe(found.contact)
  expect(other.locations.shortNameOf(found)).toBe(name)
  expect(one.locations.deviceOf(AOR, 'telephone-another')).toBeUndefined()
})

test('an instance that no resource can be has a short name too', async () => {
  const { locations, told } = house()
  locations.replace(AOR, [binding('sip:romeo@192.0.2.7', 'x'.repeat(2_000))])
  await turn()
  expect(told[0]).toMatch(/ telephone-[\w-]{8} there$/)
})

test('what comes and goes within one turn is told as it stands after it', async () => {
  const { locations, told, calls } = house()
  locations.replace(AOR, [binding('sip:romeo@192.0.2.7', 'urn:uuid:1')])
  calls('ringing')
  calls('on-the-phone')
  await turn()
  expect(told).toEqual([`${AOR} urn:uuid:1 On the phone`])
  calls('ringing')
  calls('on-the-phone')
  await turn()
  expect(told).toHaveLength(1)
})
