/** What the log says of what crossed the wire. */
import { expect, test } from 'vitest'
import { type Fact, type Log, silent } from '../../../src/log/log.ts'
import { MemoryNetwork } from '../../../src/sip/embedded/memory.ts'
import { response } from '../../../src/sip/message.ts'
import { message } from '../../contract/sip-stack.ts'
import { Heard } from '../../support/heard.ts'

async function exchange(log: Log): Promise<void> {
  const network = new MemoryNetwork()
  const [alice, bob] = [network.join({ host: '192.0.2.1', log }), network.join({ host: '192.0.2.2' })]
  await Promise.all([alice.start(() => response(200)), bob.start(() => response(486))])
  const secret = 'Digest username="a", realm="h", nonce="n", uri="sip:b", response="0123456789abcdef"'
  await alice.send(message('a private word', [['Authorization', secret]]), { transport: 'udp', host: '192.0.2.2', port: 5060 })
  await Promise.all([alice.stop(0), bob.stop(0)])
}

test('at low level: who sent which line to whom, and no body', async () => {
  const heard = new Heard()
  await exchange(heard.log)
  expect(heard.facts).toContainEqual({
    what: 'sip_sent',
    line: 'MESSAGE sip:bob@h.example SIP/2.0',
    to: '192.0.2.2:5060',
    transport: 'udp',
  })
  expect(heard.facts).toContainEqual(
    expect.objectContaining({ what: 'sip_response_received', line: '486 Busy Here', from: '192.0.2.2:5060' }),
  )
  expect(JSON.stringify(heard.facts)).not.toContain('private')
})

test('at all: the whole text, but not what proves the password', async () => {
  const texts: Fact[] = []
  await exchange({ ...silent, wants: { ...silent.wants, all: true }, all: (fact) => void texts.push(fact) })
  expect(texts.map((fact) => fact.what)).toEqual(['sip_sent_text', 'sip_response_received_text'])
  const sent = String(texts[0]?.text)
  expect(sent).toContain('a private word')
  expect(sent).toContain('username="a"')
  expect(sent).not.toContain('0123456789abcdef')
})
