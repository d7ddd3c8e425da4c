/** A gateway for as long as somebody looks: on free ports of this machine alone, with two accounts, in a directory that goes with it. */
import { randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deriveCredentials } from '../account/credentials.ts'
import { Jid } from '../address/jid.ts'
import { software } from '../cli/version.ts'
import { DEFAULT_DOMAIN, schema } from '../config/schema.ts'
import { type Settings, settingsFrom } from '../config/settings.ts'
import { startGateway } from '../gateway.ts'
import type { Log } from '../log/log.ts'
import type { Listening } from '../sip/port.ts'
import { openSqlite } from '../store/sqlite.ts'

export const DOMAIN = DEFAULT_DOMAIN
export const HOST = '127.0.0.1'
const ACCOUNTS = ['juliet', 'romeo'] as const
/** Nothing that looks like something else, nothing that a shell or a URI would want quoted. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'
/** 59 bits, for a gateway that lives an hour. */
const PASSWORD_LETTERS = 12

export interface TemporaryGateway {
  readonly passwords: Readonly<Record<(typeof ACCOUNTS)[number], string>>
  readonly directory: string
  /** The file of the certificate that it shows, and what stands in it. */
  readonly certificateFile: string
  readonly certificate: string
  /** The port of a listener by its name: `xmpp`, `sip/udp`. */
  portOf(what: string): number
  stop(): Promise<void>
}

export async function temporaryGateway(log: Log): Promise<TemporaryGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'stoxgate-demo-'))
  // For an end that waits for nobody.
  const removeAtExit = () => rmSync(directory, { recursive: true, force: true })
  process.once('exit', removeAtExit)
  const remove = async (): Promise<void> => {
    await rm(directory, { recursive: true, force: true })
    process.off('exit', removeAtExit)
  }
  try {
    const settings = settingsIn(directory)
    const passwords = { juliet: newPassword(), romeo: newPassword() }
    await addAccounts(settings, passwords)
    const gateway = await startGateway(settings, software(), log)
    const certificateFile = join(directory, 'certificates', `${DOMAIN}.crt`)
    return {
      passwords,
      directory,
      certificateFile,
      certificate: await readFile(certificateFile, 'utf8'),
      portOf: (what) => portOf(what, gateway.listening),
      async stop() {
        await gateway.stop()
        await remove()
      },
    }
  } catch (cause) {
    await remove()
    throw cause
  }
}

function settingsIn(directory: string): Settings {
  const parsed = schema.parse({
    domains: [{ name: DOMAIN }],
    receiving: {
      listeners: [
        { port: 0, address: HOST },
        { port: 0, address: HOST, tls: true },
      ],
    },
    http: { listeners: [] },
    sip: { embedded: { listeners: ['udp', 'tcp'].map((transport) => ({ transport, port: 0, address: HOST })) } },
    store: { sqlite: 'stoxgate.db' },
    log: { directory: null },
  })
  return settingsFrom(parsed, undefined, directory)
}

async function addAccounts(settings: Settings, passwords: Readonly<Record<string, string>>): Promise<void> {
  const store = openSqlite(settings.store.sqlite)
  try {
    for (const [name, password] of Object.entries(passwords)) {
      const jid = Jid.of(name, DOMAIN)
      await store.accounts.add(jid, await deriveCredentials(jid, password, { telephones: true }))
    }
  } finally {
    await store.close()
  }
}

function newPassword(): string {
  return Array.from({ length: PASSWORD_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join('')
}

function portOf(what: string, listening: readonly Listening[]): number {
  const found = listening.find((one) => one.what === what)
  if (!found) throw new Error(`the gateway does not listen for ${what}`)
  return found.port
}
