/** Prosody as the server of another domain: a file of accounts, one port for clients and one for servers, names from the test's DNS. Its own resolver asks port 53 alone; libunbound asks whom it is told. */

import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { el } from '../../../src/xml/element.ts'
import { Client, NS_CLIENT } from '../../support/client.ts'
import { Folder } from './folder.ts'
import { freePort } from './ports.ts'
import { Program } from './program.ts'

export interface ProsodySettings {
  readonly domain: string
  readonly accounts: readonly string[]
  /** Its DNS, `127.0.0.1:5353`. */
  readonly dns: string
  readonly certificate: { readonly cert: string; readonly key: string }
  /** Whom it believes: certificates only, of these authorities; absent: dialback. */
  readonly authorities?: readonly string[]
  /** Without TLS. */
  readonly isPlain?: boolean
}

export const PASSWORD = 'pr0s0dy-s3cret'

export class Prosody {
  private constructor(
    readonly program: Program,
    private readonly folder: Folder,
    readonly settings: ProsodySettings,
    readonly clientPort: number,
    readonly serverPort: number,
  ) {}

  static async start(settings: ProsodySettings): Promise<Prosody> {
    const folder = await Folder.make('prosody')
    const [clientPort, serverPort] = [await freePort(), await freePort()]
    const { domain, accounts, certificate, authorities = [] } = settings
    const directory = folder.file(`data/${domain.replaceAll('.', '%2e')}/accounts`)
    await mkdir(directory, { recursive: true })
    for (const name of accounts) await writeFile(`${directory}/${name}.dat`, `return {\n\t["password"] = "${PASSWORD}";\n};\n`)
    await writeFile(folder.file('own.crt'), certificate.cert)
    await writeFile(folder.file('own.key'), certificate.key)
    await writeFile(folder.file('authorities.pem'), authorities.join('\n'))
    await writeFile(folder.file('prosody.cfg.lua'), configuration(folder, settings, clientPort, serverPort))
    const program = Program.start({
      command: existsSync('/usr/bin/prosody') ? '/usr/bin/prosody' : 'prosody',
      args: ['-F', '--config', folder.file('prosody.cfg.lua')],
      cwd: folder.path,
      package: 'prosody lua-unbound',
    })
    await program.line(`Activated service 's2s'`, 20_000)
    return new Prosody(program, folder, settings, clientPort, serverPort)
  }

  /** Logged in and available; it hears nothing of who comes and goes. */
  async client(local: string): Promise<Client> {
    const { domain, isPlain = false } = this.settings
    const client = await Client.connect(this.clientPort)
    await client.open({ to: domain })
    if (!isPlain) await client.startTls()
    await client.plain(local, PASSWORD)
    await client.restart()
    await client.bind('balcony')
    client.ignoresPresence = true
    client.send(el('presence', NS_CLIENT))
    client.send(el('iq', NS_CLIENT, { type: 'get', id: 'there', to: domain }, el('ping', 'urn:xmpp:ping')))
    for (;;) if ((await client.receive()).attr('id') === 'there') return client
  }

  async stop(): Promise<void> {
    await this.program.stop()
    await this.folder.remove()
  }
}

function configuration(folder: Folder, settings: ProsodySettings, clientPort: number, serverPort: number): string {
  const { domain, dns, authorities, isPlain = false } = settings
  const isStrict = authorities !== undefined
  const ssl = `{ certificate = "${folder.file('own.crt')}", key = "${folder.file('own.key')}"${isStrict ? `, cafile = "${folder.file('authorities.pem')}"` : ''} }`
  return `run_as_root = true
pidfile = "${folder.file('prosody.pid')}"
data_path = "${folder.file('data')}"
network_backend = "epoll"
interfaces = { "127.0.0.1" }
c2s_ports = { ${clientPort} }
s2s_ports = { ${serverPort} }
c2s_direct_tls_ports = { }
s2s_direct_tls_ports = { }
http_ports = { }
https_ports = { }
unbound = { resolvconf = false, hoststxt = false, forward = { "${dns.replace(':', '@')}" }, options = { ["do-not-query-localhost:"] = "no" } }
modules_enabled = { "saslauth", ${isPlain ? '' : '"tls", '}"dialback", "roster", "disco", "ping", "muc" }
modules_disabled = { "offline"${isPlain ? ', "s2s_auth_certs"' : ''} }
storage = "internal"
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = ${isStrict}
s2s_secure_auth = ${isStrict}
log = { { levels = { min = "debug" }, to = "console" } }
VirtualHost "${domain}"
	ssl = ${ssl}
Component "rooms.${domain}" "muc"
	ssl = ${ssl}
`
}
