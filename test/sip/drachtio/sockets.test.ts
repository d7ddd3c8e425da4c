import { describe, expect, test } from 'vitest'
import { Sockets } from '../../../src/sip/drachtio/sockets.ts'

const SOCKETS = new Sockets('udp/127.0.0.1:5060,udp/192.0.2.1:5060,tcp/192.0.2.1:5062,udp/[2001:db8::1]:5060,nonsense')

describe('the sockets a drachtio server names', () => {
  test('are what the gateway listens to', () => {
    expect(SOCKETS.listening.map(({ what, address, port }) => `${what} ${address} ${port}`)).toEqual([
      'sip/udp 127.0.0.1 5060',
      'sip/udp 192.0.2.1 5060',
      'sip/tcp 192.0.2.1 5062',
      'sip/udp 2001:db8::1 5060',
    ])
  })

  for (const [host, transport, expected] of [
    ['192.0.2.7', 'udp', '192.0.2.1:5060'],
    ['127.0.0.1', 'udp', '127.0.0.1:5060'],
    ['[2001:db8::7]', 'udp', '2001:db8::1:5060'],
    ['127.0.0.1', 'tcp', '192.0.2.1:5062'],
    ['pbx.example', 'udp', '192.0.2.1:5060'],
  ] as const) {
    test(`${host} is told to come to ${expected} by ${transport}`, () => {
      const { host: own, port } = SOCKETS.towards({ transport, host, port: 5060 })
      expect(`${own}:${port}`).toBe(expected)
    })
  }

  test('are not invented', () => {
    expect(() => SOCKETS.towards({ transport: 'tls', host: '192.0.2.7', port: 5061 })).toThrow('no tls')
    expect(new Sockets('').listening).toEqual([])
  })

  test('are known by where a request arrived, and by their transport where nobody says', () => {
    expect(SOCKETS.at('[2001:db8::1]:5060', 'udp')).toEqual({ transport: 'udp', host: '2001:db8::1', port: 5060 })
    expect(SOCKETS.at(undefined, 'tcp')).toEqual({ transport: 'tcp', host: '192.0.2.1', port: 5062 })
  })
})
