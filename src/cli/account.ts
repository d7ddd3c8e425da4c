/** `stoxgate account …`: what an operator does with accounts, also while the gateway runs. */
import { deriveCredentials, PasswordError } from '../account/credentials.ts'
import { openKeyring } from '../account/secrets/key-file.ts'
import { Jid, JidError } from '../address/jid.ts'
import { ask, controlPath } from '../admin/control.ts'
import { DEFAULT_FILE } from '../config/load.ts'
import { checkedByPbx, type DomainSettings, dataDirectory, keepsPasswords, type Settings } from '../config/settings.ts'
import type { Credentials, Sealed, Store } from '../store/port.ts'
import { openSqlite } from '../store/sqlite.ts'
import { configured } from './configuration.ts'
import { CommandError, DONE, FAILED, MISUSED } from './outcome.ts'
import { newPassword } from './password.ts'
import type { Terminal } from './terminal.ts'

/** Longer than the gateway would: who types a command may wait for a backup to end. */
const BUSY_TIMEOUT_MS = 5_000

export interface AccountOptions {
  readonly config?: string
  readonly password?: string
}

export async function addAccount(terminal: Terminal, address: string, options: AccountOptions): Promise<number> {
  const settings = await configured(options.config)
  const jid = accountAddress(address)
  const domain = hosted(jid, settings)
  if (checkedByPbx(domain))
    throw new CommandError(
      `the accounts of ${domain.name} are the extensions of ${domain.pbx?.uri}: whoever has the password of one can log in`,
    )
  await inStore(settings, async (store) => {
    // Before the password is asked for, and again when it is stored.
    if (await store.accounts.exists(jid)) throw new CommandError(isThere(jid))
    const { credentials, sealed } = await credentialsFor(terminal, jid, domain, options, sealerFor(settings, domain, store))
    if (!(await store.accounts.add(jid, credentials, sealed))) throw new CommandError(isThere(jid))
  })
  terminal.stdout.write(`${jid} was added\n`)
  return DONE
}

export async function changePassword(terminal: Terminal, address: string, options: AccountOptions): Promise<number> {
  const settings = await configured(options.config)
  const jid = accountAddress(address)
  const domain = hosted(jid, settings)
  await inStore(settings, async (store) => {
    if (!(await store.accounts.exists(jid))) throw new CommandError(isNotThere(jid, settings))
    const { credentials, sealed } = await credentialsFor(terminal, jid, domain, options, sealerFor(settings, domain, store))
    if (!(await store.accounts.setCredentials(jid, credentials, sealed))) throw new CommandError(isNotThere(jid, settings))
  })
  await tellGateway(settings, jid)
  terminal.stdout.write(`${jid} has a new password\n`)
  return DONE
}

/** What the account's PBX knows it by, where that is another password than its owner logs in with. */
export async function changePbxPassword(terminal: Terminal, address: string, options: AccountOptions): Promise<number> {
  const settings = await configured(options.config)
  const jid = accountAddress(address)
  const domain = hosted(jid, settings)
  if (domain.pbx?.credentials !== 'stored')
    throw new CommandError(`the domain ${domain.name} stores no passwords for a PBX: that is "pbx: { uri: …, credentials: stored }"`)
  await inStore(settings, async (store) => {
    if (!(await store.accounts.exists(jid))) throw new CommandError(isNotThere(jid, settings))
    const keyring = await openKeyring(settings.secretsKeyFile, store.sealed)
    const password = await newPassword(terminal, `${jid} at ${domain.pbx?.uri}`, options.password)
    if (!(await store.sealed.set(jid, 'pbx', keyring.seal(jid, 'pbx', password)))) throw new CommandError(isNotThere(jid, settings))
    if (!domain.mechanisms.includes('CRAM-MD5')) await store.sealed.remove(jid, 'login')
  })
  await tellGateway(settings, jid)
  terminal.stdout.write(`${jid} has a new password at its PBX\n`)
  return DONE
}

/** Also of a domain that is hosted no more: its accounts must not stay behind for ever. */
export async function removeAccount(terminal: Terminal, address: string, options: AccountOptions): Promise<number> {
  const settings = await configured(options.config)
  const jid = accountAddress(address)
  await inStore(settings, async (store) => {
    if (!(await store.accounts.remove(jid))) throw new CommandError(isNotThere(jid, settings))
  })
  await tellGateway(settings, jid)
  terminal.stdout.write(`${jid} was removed\n`)
  return DONE
}

/** All accounts, those of a domain, or one: 1 where it is not there. */
export async function listAccounts(terminal: Terminal, address: string | undefined, options: AccountOptions): Promise<number> {
  const settings = await configured(options.config)
  const jid = address === undefined ? undefined : parsed(address)
  return inStore(settings, async (store) => {
    if (jid?.local !== undefined) {
      if (!(await store.accounts.exists(jid))) throw new CommandError(isNotThere(jid.bare, settings))
      terminal.stdout.write(`${jid.bare}\n`)
      return DONE
    }
    const accounts = await store.accounts.list(jid?.domain)
    terminal.stdout.write(accounts.map((account) => `${account}\n`).join(''))
    return DONE
  })
}

async function inStore<T>(settings: Settings, act: (store: Store) => Promise<T>): Promise<T> {
  const store = openSqlite(settings.store.sqlite, BUSY_TIMEOUT_MS)
  try {
    return await act(store)
  } finally {
    await store.close()
  }
}

interface Made {
  readonly credentials: Credentials
  /** The password itself, where the domain's PBX has to be shown it, or CRAM-MD5 computes with it. */
  readonly sealed: Sealed | undefined
}

async function credentialsFor(
  terminal: Terminal,
  jid: Jid,
  domain: DomainSettings,
  options: AccountOptions,
  sealer: Sealer,
): Promise<Made> {
  const password = await newPassword(terminal, jid.toString(), options.password)
  try {
    const credentials = await deriveCredentials(jid, password, {
      rounds: domain.scramRounds,
      telephones: domain.telephones,
      digestMd5: domain.mechanisms.includes('DIGEST-MD5'),
    })
    return { credentials, sealed: keepsPasswords(domain) ? await sealer(jid, password) : undefined }
  } catch (cause) {
    if (cause instanceof PasswordError) throw new CommandError(cause.message, MISUSED)
    throw cause
  }
}

/** Undefined where the PBX has a password of its own for the account: what nobody needs is not kept. */
type Sealer = (jid: Jid, password: string) => Promise<Sealed | undefined>

function sealerFor(settings: Settings, domain: DomainSettings, store: Store): Sealer {
  return async (jid, password) => {
    if (!domain.mechanisms.includes('CRAM-MD5') && (await store.sealed.find(jid, 'pbx'))) return undefined
    return (await openKeyring(settings.secretsKeyFile, store.sealed)).seal(jid, 'login', password)
  }
}

/** What is open under the account ends in a gateway that runs; one that does not run has nothing open. */
async function tellGateway(settings: Settings, jid: Jid): Promise<void> {
  const reply = await ask(controlPath(dataDirectory(settings)), { command: 'account-changed', jid: jid.toString() })
  if (reply && !reply.ok)
    throw new CommandError(`it is done in the database, but the running gateway keeps its sessions of ${jid}: ${reply.error}`, FAILED)
}

function parsed(address: string): Jid {
  try {
    return Jid.parse(address)
  } catch (cause) {
    if (cause instanceof JidError) throw new CommandError(`${JSON.stringify(address)} is no address: ${cause.message}`, MISUSED)
    throw cause
  }
}

function accountAddress(address: string): Jid {
  const jid = parsed(address)
  if (jid.local === undefined) throw new CommandError(`${jid} is a domain; an account is user@${jid.domain}`, MISUSED)
  if (jid.resource !== undefined) throw new CommandError(`${jid} is a device; the account is ${jid.bare}`, MISUSED)
  return jid
}

function hosted(jid: Jid, settings: Settings): DomainSettings {
  const domain = settings.domains.find(({ name }) => name === jid.domain)
  if (domain) return domain
  const names = settings.domains.map(({ name }) => name).join(', ')
  const where = settings.file ?? `no configuration file was read (${DEFAULT_FILE} is not here)`
  throw new CommandError(
    `${where}: domains: ${jid.domain} is not hosted, only ${names}; add "- name: ${jid.domain}" there, or correct the address`,
    MISUSED,
  )
}

function isThere(jid: Jid): string {
  return `${jid} is there already; "stoxgate account passwd ${jid}" gives it a new password`
}

function isNotThere(jid: Jid, settings: Settings): string {
  return `there is no account ${jid} in ${settings.store.sqlite}; "stoxgate account list" shows those there are`
}
