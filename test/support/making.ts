/** What mapping is given where a test does not care: identifiers that count. */
import type { Making } from '../../src/mapping/making.ts'

let made = 0

export const MAKING: Making = {
  now: () => new Date(),
  tag: () => `t${++made}`,
  callId: () => `c${++made}`,
  host: 'xmpp.example',
  pagerType: () => 'chat',
}
