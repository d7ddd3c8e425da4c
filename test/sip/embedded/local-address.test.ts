/** Which address of ours a peer is told, on a machine with several. */
import type { NetworkInterfaceInfo } from 'node:os'
import { expect, test } from 'vitest'
import { LocalAddresses } from '../../../src/sip/embedded/local-address.ts'

const MAC = '00:00:00:00:00:00'

function six(address: string, bits: number, internal = false): NetworkInterfaceInfo {
  return { address, cidr: `${address}/${bits}`, family: 'IPv6', internal, mac: MAC, netmask: '', scopeid: 0 }
}

function four(address: string, bits: number, internal = false): NetworkInterfaceInfo {
  return { address, cidr: `${address}/${bits}`, family: 'IPv4', internal, mac: MAC, netmask: '' }
}

const machine = new LocalAddresses(() => ({
  lo: [four('127.0.0.1', 8, true), six('::1', 128, true)],
  eth0: [four('192.0.2.10', 24), six('fe80::1', 64), six('2001:db8::10', 64)],
  eth1: [four('10.1.2.3', 16)],
}))

for (const [peer, own] of [
  ['127.0.0.1', '127.0.0.1'],
  ['127.9.9.9', '127.0.0.1'],
  ['192.0.2.77', '192.0.2.10'],
  ['10.1.200.1', '10.1.2.3'],
  ['203.0.113.5', '192.0.2.10'],
  ['::1', '::1'],
  ['2001:db8::77', '2001:db8::10'],
  ['2001:db8:ffff::1', '2001:db8::10'],
  ['fe80::77', 'fe80::1'],
] as const) {
  test(`${peer} reaches us at ${own}`, () => {
    expect(machine.towards(peer)).toBe(own)
    expect(machine.towards(peer)).toBe(own)
  })
}

test('a machine without a network is itself', () => {
  const alone = new LocalAddresses(() => ({ lo: [four('127.0.0.1', 8, true)] }))
  expect([alone.towards('192.0.2.1'), alone.towards('2001:db8::1')]).toEqual(['127.0.0.1', '::1'])
})
