/** Keep-alives of RFC 5626: answered, and missed where they cease. */
import { afterEach, expect, test, vi } from 'vitest'
import { silent } from '../../../src/log/log.ts'
import { FlowWatch } from '../../../src/sip/embedded/flow-watch.ts'
import { type EmbeddedStack, embeddedStack } from '../../../src/sip/embedded/stack.ts'
import { stunAnswer } from '../../../src/sip/embedded/stun.ts'
import { response } from '../../../src/sip/message.ts'
import { UdpPeer } from '../../support/raw-sip.ts'

let stack: EmbeddedStack | undefined
afterEach(async () => {
  vi.useRealTimers()
  await stack?.stop(0)
  stack = undefined
})

/** RFC 5389 §6: type, length, cookie, twelve bytes of a transaction. */
const stun = (attributes = '') =>
  Buffer.from(`0001${(attributes.length / 2).toString(16).padStart(4, '0')}2112a442b7e7a701bc34d686fa87dfae${attributes}`, 'hex')

async function listening() {
  const made = embeddedStack({ listeners: [{ transport: 'udp', port: 0, address: '127.0.0.1' }] }, silent)
  stack = made
  const [at] = await made.start(() => response(200))
  return { made, peer: await UdpPeer.to(at?.port ?? 0) }
}

test('a STUN binding request to the SIP port is told where it came from', async () => {
  const { peer } = await listening()
  peer.send(stun())
  await expect.poll(() => peer.others.length).toBe(1)
  const answer = peer.others[0] ?? Buffer.alloc(0)
  expect([answer.readUInt16BE(0), answer.readUInt16BE(2), answer.length]).toEqual([0x0101, 12, 32])
  expect(answer.subarray(4, 20)).toEqual(stun().subarray(4, 20))
  expect(answer.readUInt16BE(26) ^ 0x2112).toBe(peer.port)
  expect((answer.readUInt32BE(28) ^ 0x2112a442) >>> 0).toBe(0x7f000001)
  await peer.close()
})

test('the addresses of RFC 5769 §2.2 and §2.3 are written as they stand there', () => {
  const mapped = (host: string) => stunAnswer(stun(), host, 32_853)?.subarray(24).toString('hex')
  expect(mapped('192.0.2.1')).toBe('0001a147e112a643')
  expect(mapped('2001:db8:1234:5678:11:2233:4455:6677')).toBe('0002a1470113a9faa5d3f179bc25f4b5bed2b9d9')
})

test('what must be understood and is not is refused with 420; what is no request, or cut short, is not answered', () => {
  const answer = stunAnswer(stun('0006000474657374'), '192.0.2.1', 5_060)
  expect(answer?.subarray(0, 2).toString('hex')).toBe('0111')
  expect(answer?.subarray(20).toString('hex')).toBe('0009000400000414000a000200060000')
  const answered = Buffer.from(stun())
  answered[0] = 1
  expect(stunAnswer(answered, '192.0.2.1', 5_060)).toBeUndefined()
  expect(stunAnswer(Buffer.concat([stun(), Buffer.alloc(4)]), '192.0.2.1', 5_060)).toBeUndefined()
})

test('a flow ends when its keep-alives cease, and not where there never were any', async () => {
  vi.useFakeTimers()
  const flows = new FlowWatch()
  const ended: string[] = []
  for (const flow of ['kept', 'ceased', 'never', 'over']) {
    flows.watch(flow, 60_000, flow === 'over' ? 30_000 : 3_600_000, () => ended.push(flow))
    if (flow !== 'never') flows.heard(flow, true)
  }
  for (let n = 0; n < 6; n++) {
    await vi.advanceTimersByTimeAsync(20_000)
    flows.heard('kept', false)
  }
  expect(ended).toEqual(['ceased'])
  flows.close()
  expect([flows.isIdle, vi.getTimerCount()]).toEqual([true, 0])
})

test('a flow over UDP whose telephone falls silent is told to be dead', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] })
  const { made, peer } = await listening()
  const ended = vi.fn()
  made.watchFlow({ transport: 'udp', host: '127.0.0.1', port: peer.port, flow: 'udp0' }, 60_000, 3_600_000, ended)
  peer.send(stun())
  await vi.waitFor(() => expect(peer.others).toHaveLength(1))
  vi.advanceTimersByTime(50_000)
  expect(ended).not.toHaveBeenCalled()
  vi.advanceTimersByTime(20_000)
  expect(ended).toHaveBeenCalledOnce()
  await peer.close()
})
