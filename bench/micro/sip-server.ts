/** A stack in a process of its own, for sip.ts: answers every request with 200. */
import { silent } from '../../src/log/log.ts'
import { embeddedStack } from '../../src/sip/embedded/stack.ts'
import { response } from '../../src/sip/message.ts'

const transport = process.argv[2] === 'tcp' ? 'tcp' : 'udp'
const stack = embeddedStack({ listeners: [{ transport, port: 0, address: '127.0.0.1' }] }, silent)
const listening = await stack.start(() => response(200))
process.send?.({ port: listening[0]?.port })

let since = process.cpuUsage()
process.on('message', (what) => {
  if (what === 'end') process.exit()
  const { user, system } = process.cpuUsage(since)
  since = process.cpuUsage()
  process.send?.({ micros: user + system })
})
