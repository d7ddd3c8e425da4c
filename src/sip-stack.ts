/** The SIP stack that the configuration names, and what can be said of it to people. */
import type { Settings } from './config/settings.ts'
import type { Log } from './log/log.ts'
import type { Gate } from './sip/embedded/admission.ts'
import { embeddedStack } from './sip/embedded/stack.ts'
import type { TlsContexts } from './sip/embedded/tls-contexts.ts'
import type { SipStack } from './sip/port.ts'

/** Not started. Only the one that is used is loaded. `key`: the same after a restart, so that calls outlive it. */
export async function sipStackFor({ sip }: Settings, tls: TlsContexts, gate: Gate, key: Buffer, log: Log): Promise<SipStack> {
  if (sip.stack === 'embedded') return embeddedStack({ listeners: sip.embedded.listeners, timers: sip.timers, tls, gate, key }, log)
  if (sip.stack === 'websocket') {
    const { WebSocketStack } = await import('./sip/websocket/stack.ts')
    const { url = '', maxAccounts } = sip.websocket
    return new WebSocketStack({ url, maxAccounts, timers: sip.timers, ...(tls.authorities && { authorities: tls.authorities }) }, log)
  }
  const { DrachtioStack } = await import('./sip/drachtio/stack.ts')
  return new DrachtioStack({ ...sip.drachtio, timers: sip.timers }, log)
}

/** How it stands with a server of its own, in one line; undefined where it has none. */
export function connectionLine({ connection }: SipStack): string | undefined {
  if (!connection) return undefined
  const { state, since, retries, why } = connection
  const line = `${state} since ${new Date(since).toISOString()}`
  if (state === 'connected') return line
  return `${line}, ${retries} failed ${retries === 1 ? 'attempt' : 'attempts'}: ${why ?? 'not tried yet'}`
}

/** What the configured stack cannot do, for who configures it: nothing is started. */
export async function lacksOf({ sip }: Settings): Promise<readonly string[]> {
  if (sip.stack === 'embedded') return []
  if (sip.stack === 'websocket') return lacksBehindWebSocket(sip.websocket)
  const { ABILITIES } = await import('./sip/drachtio/stack.ts')
  const { proxy, serves, dialogs } = ABILITIES
  const lacks: string[] = []
  if (!proxy) lacks.push('calls between telephones are not forwarded')
  const missing = ['MESSAGE', 'INFO', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH', 'REGISTER'].filter((method) => !serves.has(method))
  if (missing.length > 0) lacks.push(`no ${missing.join(', ')} from the network`)
  if (dialogs === 'stack') lacks.push('subscriptions end with the connection to the drachtio server')
  return lacks
}

function lacksBehindWebSocket({ url, maxAccounts }: Settings['sip']['websocket']): readonly string[] {
  return [
    'calls between telephones are not forwarded',
    `no listener: telephones and other SIP servers do not reach the gateway, and it reaches nobody but ${url}`,
    `no more than ${maxAccounts} accounts at the same time (sip.websocket.maxAccounts)`,
  ]
}
