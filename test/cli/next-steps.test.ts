import { expect, test } from 'vitest'
import { nextSteps } from '../../src/cli/next-steps.ts'
import { settingsOf } from '../../src/config/load.ts'

const LISTENING = [
  { what: 'xmpp', address: '127.0.0.1', port: 5_222 },
  { what: 'sip/udp', address: '127.0.0.1', port: 5_060 },
]

async function steps(text: string): Promise<string> {
  const { settings } = await settingsOf('x.yaml', text)
  if (!settings) throw new Error('the configuration has mistakes')
  return nextSteps(settings, LISTENING)
}

test('whoever has just started is told how to add two people and what they type', async () => {
  const text = await steps('domains: [ { name: a.example } ]')
  expect(text).toContain('npx stoxgate account add juliet@a.example')
  expect(text).toContain('A telephone registers as romeo, domain a.example, proxy 127.0.0.1:5060 (UDP)')
})

test('whoever stands in front of a PBX needs no accounts here, and registers no telephone', async () => {
  const text = await steps('domains: [ { name: a.example, pbx: { uri: "sip:192.0.2.20" } } ]')
  expect(text).not.toContain('account add')
  expect(text).toContain('extensions of sip:192.0.2.20')
  expect(text).toContain('An XMPP client logs in as EXTENSION@a.example, server 127.0.0.1:5222')
  expect(text).not.toContain('A telephone registers')
})
