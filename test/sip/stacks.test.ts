/** The stacks that keep the contract. */
import { silent } from '../../src/log/log.ts'
import { MemoryNetwork } from '../../src/sip/embedded/memory.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { sipStackContract } from '../contract/sip-stack.ts'
import { trusting } from '../support/certificates.ts'

/** Each end's certificate is for its address, and the other end trusts it. */
const tls = await trusting('127.0.0.1', '::1')

for (const transport of ['udp', 'tcp'] as const) {
  sipStackContract(`the network in memory, ${transport}`, () => {
    const network = new MemoryNetwork()
    let host = 1
    return {
      transport,
      stack: (t1Ms) => network.join({ host: `192.0.2.${host++}`, timers: { t1Ms } }),
      nowhere: { transport, host: '192.0.2.200', port: 5060 },
    }
  })

  for (const address of ['127.0.0.1', '::1']) {
    sipStackContract(`the embedded stack, ${transport}, ${address}`, () => ({
      transport,
      stack: (t1Ms) => embeddedStack({ listeners: listeners(address), timers: { t1Ms } }, silent),
      // Port 9, discard: nobody has that service any more.
      nowhere: { transport, host: address, port: 9 },
    }))
  }
}

for (const transport of ['tls', 'ws', 'wss'] as const) {
  for (const address of ['127.0.0.1', '::1']) {
    sipStackContract(`the embedded stack, ${transport}, ${address}`, () => ({
      transport,
      stack: (t1Ms) => embeddedStack({ listeners: [{ transport, port: 0, address }], timers: { t1Ms }, tls }, silent),
      nowhere: { transport, host: address, port: 9 },
    }))
  }
}

function listeners(address: string) {
  return (['udp', 'tcp'] as const).map((transport) => ({ transport, port: 0, address }))
}
