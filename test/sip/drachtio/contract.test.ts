/** The contract of SIP stacks, held by the adapter on a drachtio server: the double always, a real one where DRACHTIO=host:port names its admin port. */
import { silent } from '../../../src/log/log.ts'
import { DrachtioStack } from '../../../src/sip/drachtio/stack.ts'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { embeddedStack } from '../../../src/sip/embedded/stack.ts'
import { type Lack, sipStackContract } from '../../contract/sip-stack.ts'
import { StackOnDouble } from '../../support/drachtio-stack.ts'

/** When we send: what goes through a frame, and through a server that writes Via itself. */
const SENDING: Lack[] = ['bytes', 'large messages', 'relayed vias', 'broken requests']
/** When we serve: a peer may send what it likes, in lines of not more than 8 KiB. */
const SERVING: Lack[] = ['bytes', 'large messages']

for (const transport of ['udp', 'tcp'] as const) {
  /** The first stack of a test asks, the second one serves. */
  const world = (isOnDouble: (nth: number) => boolean) => () => {
    const network = new MemoryNetwork()
    let nth = 0
    return {
      transport,
      stack(t1Ms: number) {
        const party = { host: `192.0.2.${++nth}` }
        // Timers of the server are the server's; ours are set beside them.
        if (isOnDouble(nth)) return new StackOnDouble(network.join(party), { timers: { t1Ms } })
        return network.join({ ...party, timers: { t1Ms } })
      },
      nowhere: { transport, host: '192.0.2.200', port: 5060 },
    }
  }
  sipStackContract(
    `drachtio asks, ${transport}`,
    world((nth) => nth === 1),
    SENDING,
  )
  sipStackContract(
    `drachtio serves, ${transport}`,
    world((nth) => nth === 2),
    SERVING,
  )
  sipStackContract(
    `drachtio to drachtio, ${transport}`,
    world(() => true),
    SENDING,
  )
}

const real = /^(.+):(\d+)$/.exec(process.env.DRACHTIO ?? '')
if (real) {
  const [, host = '', port] = real
  const server = { host, port: Number(port), secret: process.env.DRACHTIO_SECRET ?? 'cymru' }
  for (const [name, isDrachtio, lacks] of [
    ['asks', 1, [...SENDING, 'timeouts of datagrams']],
    ['serves', 2, [...SERVING, 'broken requests', 'relayed vias']],
  ] as const) {
    sipStackContract(`a real drachtio ${name}`, () => {
      let nth = 0
      return {
        transport: 'tcp',
        stack: (t1Ms) =>
          ++nth === isDrachtio
            ? new DrachtioStack({ ...server, timers: { t1Ms } }, silent)
            : embeddedStack({ listeners: [{ transport: 'tcp', port: 0, address: '127.0.0.1' }], timers: { t1Ms } }, silent),
        nowhere: { transport: 'tcp', host: '127.0.0.1', port: 9 },
      }
    }, [...lacks, 'exact text'])
  }
}
