/** A drachtio server's double with a peer behind it, in a process of their own, for drachtio.ts. The peer answers with 200, and sends what it is told. */
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { response } from '../../src/sip/message.ts'
import { DrachtioDouble } from '../../test/support/drachtio-double.ts'
import { inLanes, oneMessage } from './sip-load.ts'

const stackOf = () => embeddedStack({ listeners: [{ transport: 'tcp', port: 0, address: '127.0.0.1' }] }, silent)
const double = await DrachtioDouble.over(stackOf())
const peer = stackOf()
const [listening] = await peer.start(() => response(200))
process.send?.({ admin: double.port, peer: listening?.port })

const own = double.sockets[0]
let since = process.cpuUsage()
process.on('message', async (what: 'cpu' | 'end' | { readonly send: number; readonly inFlight: number }) => {
  if (what === 'end') process.exit()
  if (what !== 'cpu') {
    if (!own) throw new Error('the double has no socket')
    await inLanes(what.send, what.inFlight, () => peer.send(oneMessage(), own))
  }
  const { user, system } = process.cpuUsage(since)
  since = process.cpuUsage()
  process.send?.({ micros: user + system, faults: double.faults })
})
