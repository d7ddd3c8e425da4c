/** What to try with a client and a telephone of one's own while the demonstration runs. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DOMAIN, HOST, type TemporaryGateway } from './temporary-gateway.ts'

/** Lines of at most 80 columns, the paths aside; the files that they name are there. */
export async function invitation(gateway: TemporaryGateway): Promise<readonly string[]> {
  const { passwords, certificateFile, directory, portOf } = gateway
  const linphonerc = join(directory, 'romeo.linphonerc')
  await writeFile(linphonerc, linphoneSettings(gateway), { mode: 0o600 })
  const xmpp = portOf('xmpp')
  return [
    `  an XMPP client     juliet@${DOMAIN}, password ${passwords.juliet}`,
    `                     server ${HOST}, port ${xmpp} (STARTTLS) or ${portOf('xmpps')} (direct TLS);`,
    '                     its certificate is self-signed: accept it, or trust',
    `                     ${certificateFile}`,
    `    e.g. profanity   /connect juliet@${DOMAIN} server ${HOST} port ${xmpp} tls trust`,
    `                     /msg romeo@${DOMAIN} But soft!`,
    '',
    `  a SIP telephone    romeo@${DOMAIN}, password ${passwords.romeo}`,
    `                     outbound proxy ${HOST}, port ${portOf('sip/udp')} (UDP) or ${portOf('sip/tcp')} (TCP)`,
    `    e.g. linphone    mkdir -p ~/.local/share/linphone`,
    `                     linphonec -c ${linphonerc}`,
    `                     chat sip:juliet@${DOMAIN} It is the east.`,
  ]
}

/** For linphonec, whose own command for it knows no outbound proxy. */
function linphoneSettings({ passwords, portOf }: TemporaryGateway): string {
  const proxy = `<sip:${HOST}:${portOf('sip/udp')}>`
  return `[sip]
sip_port=-1
sip_tcp_port=0
sip_tls_port=0
default_proxy=0

[proxy_0]
reg_proxy=${proxy}
reg_route=${proxy}
reg_identity=<sip:romeo@${DOMAIN}>
reg_sendregister=1

[auth_info_0]
username=romeo
passwd=${passwords.romeo}
realm=${DOMAIN}
domain=${DOMAIN}
`
}
