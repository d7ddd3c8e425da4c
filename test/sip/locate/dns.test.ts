import { afterEach, expect, test } from 'vitest'
import { DnsError, NodeDns } from '../../../src/sip/locate/dns.ts'
import { Locator } from '../../../src/sip/locate/locator.ts'
import { a, aaaa, DnsServer, naptr, srv, type Zone } from '../../support/dns-server.ts'
import { hops } from './world.ts'

const running: DnsServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})

async function server(zone: Zone): Promise<{ server: DnsServer; dns: NodeDns; locator: Locator }> {
  const made = await DnsServer.start(zone)
  running.push(made)
  const dns = new NodeDns([made.address])
  const reach = { by: () => true, to: () => true }
  return { server: made, dns, locator: new Locator({ dns, reach, now: () => Date.now(), random: () => 0 }) }
}

test('a name is found through NAPTR, SRV and both kinds of addresses, as its server tells them', async () => {
  const { server: dns, locator } = await server({
    'NAPTR core.example': [
      naptr(20, 50, 's', 'SIP+D2U', '_sip._udp.core.example'),
      naptr(10, 50, 's', 'SIP+D2T', '_sip._tcp.core.example'),
    ],
    'SRV _sip._tcp.core.example': [srv(20, 0, 5_062, 'b.example'), srv(10, 0, 5_060, 'a.example')],
    'SRV _sip._udp.core.example': [srv(0, 0, 0, '.')],
    'A a.example': [a('192.0.2.1')],
    'AAAA a.example': [aaaa('2001:db8:0:0:0:0:0:1')],
    'A b.example': [a('192.0.2.2')],
    'AAAA b.example': [],
  })
  expect(await hops(locator, 'sip:core.example')).toEqual(['tcp 192.0.2.1 5060', 'tcp 2001:db8::1 5060', 'tcp 192.0.2.2 5062'])
  const asked = dns.asked.length
  await hops(locator, 'sip:core.example')
  expect(dns.asked).toHaveLength(asked)
})

test('addresses come with their TTL', async () => {
  const { dns } = await server({ 'A core.example': [a('192.0.2.1')] })
  expect(await dns.addresses('core.example')).toEqual({ records: ['192.0.2.1'], ttl: 77 })
})

test('a name that is not there has no records; a server that fails is no such answer', async () => {
  const { dns } = await server({ 'SRV broken.example': 'SERVFAIL', 'A broken.example': 'SERVFAIL', 'AAAA broken.example': 'SERVFAIL' })
  expect((await dns.addresses('nowhere.example')).records).toEqual([])
  expect((await dns.naptr('nowhere.example')).records).toEqual([])
  await expect(dns.srv('broken.example')).rejects.toBeInstanceOf(DnsError)
  await expect(dns.addresses('broken.example')).rejects.toBeInstanceOf(DnsError)
})

test('without servers of its own the hosts file of the machine counts', async () => {
  expect((await new NodeDns([]).addresses('localhost')).records.some((address) => address === '127.0.0.1' || address === '::1')).toBe(true)
})
