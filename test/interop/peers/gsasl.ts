/** GNU SASL's command line (Debian: gsasl) as the one that computes: its lines of base64 are carried to the gateway on a stream of ours. */
import { Client } from '../../support/client.ts'
import { NS_SASL } from '../../support/sasl-answers.ts'
import { Program } from './program.ts'
import type { Login } from './xmpp-peer.ts'

export interface Outcome {
  readonly result: 'success' | 'failure'
  /** Of the failure. */
  readonly condition?: string | undefined
}

export async function gsasl(login: Login, mechanism: string, domain: string): Promise<Outcome> {
  const user = login.jid.slice(0, login.jid.indexOf('@'))
  const args = ['--client', '--quiet', '-m', mechanism, '-a', user, '-p', login.password, '--service', 'xmpp', '--hostname', domain]
  if (mechanism === 'DIGEST-MD5') args.push('--realm', domain, '--quality-of-protection', 'qop-auth')
  if (mechanism === 'PLAIN') args.push('-z', '')
  const program = Program.start({ command: 'gsasl', args, package: 'gsasl' })
  const client = await Client.connect(login.port, login.host)
  try {
    await client.open({ to: domain })
    await client.startTls()
    await program.line(mechanism)
    client.auth(mechanism, (await program.line(/^(?:[A-Za-z0-9+/]+=*)?$/)) || undefined)
    for (;;) {
      const answer = await client.receive()
      if (answer.is('failure', NS_SASL)) {
        program.endInput()
        await program.end()
        return { result: 'failure', condition: answer.elements()[0]?.name }
      }
      if (answer.is('success', NS_SASL)) return { result: 'success' }
      if (answer.text() !== '') program.write(`${answer.text()}\n`)
      client.respond((await program.line(/^(?:[A-Za-z0-9+/]+=*)?$/)) || '=')
    }
  } finally {
    client.destroy()
    if (program.isRunning) await program.stop('SIGKILL')
  }
}
