/**
 * The registered telephones of our accounts as devices that are available: what each publishes of itself (RFC 3903) is its presence, and a call of its
 * account shows on all of them.
 */
import { type Jid, JidError } from '../address/jid.ts'
import { SipUri } from '../address/sip-uri.ts'
import type { Binding } from '../core/location.ts'
import type { MaybePromise } from '../core/port.ts'
import type { Published, Source } from '../core/subscriptions/publications.ts'
import type { Log } from '../log/log.ts'
import { jidFor } from '../mapping/address.ts'
import { isAvailable } from '../mapping/presence/aggregate.ts'
import type { CallState } from '../mapping/presence/dialog-info.ts'
import { presencesIn } from '../mapping/presence/presences-in.ts'
import { duringCall } from '../mapping/presence/telephone.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import { kept, MERELY_AVAILABLE } from './presence-stanza.ts'

export interface TelephoneDevicesRooms {
  readonly locations: {
    bindingsOf(aor: string): readonly Binding[]
    shortNameOf(binding: Binding): string
  }
  /** A device is this now, or gone; whoever may see it is told. */
  setDevice(account: Jid, resource: string, presence: Element | undefined): MaybePromise<void>
  /** The same, and nobody is told. */
  takeUp(account: Jid, resource: string, presence: Element): void
  /** Whether a session has this resource. */
  isSession(aor: string, resource: string): boolean
  callOf(aor: string): CallState | undefined
  readonly log: Log
}

/** Devices of one account that are published without a telephone that is registered: who publishes has a password, but not all the memory there is. */
const PUBLISHED_MAX = 20

/** One publication, read. */
interface Said {
  readonly id: string
  readonly source: Source | undefined
  readonly document: Published['document']
  readonly devices: readonly { readonly resource: string; readonly presence: Element }[]
}

interface Shown {
  readonly presence: Element
  readonly call: CallState | undefined
}

/** What is known of the telephones of one account. */
class Telephoned {
  readonly shown = new Map<string, Shown>()
  said: readonly Said[] = []
  /** The telephones that publications were found to be of: with them their publications go out of sight. */
  readonly telephoneOf = new Map<string, string>()
}

export class TelephoneDevices {
  readonly #accounts = new Map<string, Telephoned>()
  readonly #due = new Set<string>()
  #waking: NodeJS.Immediate | undefined

  constructor(readonly rooms: TelephoneDevicesRooms) {}

  /** Something about the account's registrations or calls has changed. What changes in one turn of the event loop is looked at together, and after it. */
  changed(aor: string): void {
    this.#due.add(aor)
    this.#waking ??= setImmediate(() => {
      this.#waking = undefined
      this.#look((device) => this.#tell(device))
    })
  }

  /** What its telephones publish is this now. Throws RefusedError for a document that cannot be read. */
  published(account: SipUri, event: string, published: readonly Published[]): void {
    if (event !== 'presence') return
    const { aor } = account
    const known = this.#accounts.get(aor)
    if (!known && published.length === 0) return
    const jid = jidFor(account).bare
    const said = published.map((one) => known?.said.find((old) => isSame(old, one)) ?? read(one, jid))
    const telephoned = known ?? this.#account(aor)
    telephoned.said = said
    for (const id of telephoned.telephoneOf.keys()) if (!said.some((one) => one.id === id)) telephoned.telephoneOf.delete(id)
    this.changed(aor)
  }

  /** What was there before a restart was never told as gone. */
  takeUp(): void {
    this.#look(({ account, resource, presence }) => presence && this.rooms.takeUp(account, resource, presence))
  }

  stop(): void {
    if (this.#waking) clearImmediate(this.#waking)
  }

  #account(aor: string): Telephoned {
    const made = new Telephoned()
    this.#accounts.set(aor, made)
    return made
  }

  #look(tell: (device: ToldDevice) => void): void {
    const due = [...this.#due]
    this.#due.clear()
    for (const aor of due) {
      const telephoned = this.#accounts.get(aor) ?? this.#account(aor)
      const account = jidFor(SipUri.parse(`sip:${aor}`)).bare
      const now = this.#devicesOf(aor, account, telephoned)
      for (const resource of [...telephoned.shown.keys()]) {
        if (now.has(resource)) continue
        telephoned.shown.delete(resource)
        tell({ account, resource, presence: undefined })
      }
      for (const [resource, device] of now) {
        const before = telephoned.shown.get(resource)
        if (before?.presence === device.presence && before.call === device.call) continue
        telephoned.shown.set(resource, device)
        tell({ account, resource, presence: device.call ? duringCall(device.presence, device.call) : device.presence })
      }
      if (telephoned.shown.size === 0 && telephoned.said.length === 0) this.#accounts.delete(aor)
    }
  }

  #devicesOf(aor: string, account: Jid, { said, telephoneOf }: Telephoned): Map<string, Shown> {
    const { locations, callOf, isSession } = this.rooms
    const call = callOf(aor)
    const devices = new Map<string, Shown>()
    const telephones = locations.bindingsOf(aor).map((binding) => ({ binding, resource: this.#nameOf(binding, account) }))
    for (const { resource } of telephones) devices.set(resource, { presence: MERELY_AVAILABLE, call })
    const others: Said['devices'][number][] = []
    for (const one of said) {
      const of = telephoneOf.get(one.id) ?? telephoneFor(one, telephones)
      if (of === undefined) {
        others.push(...one.devices)
        continue
      }
      telephoneOf.set(one.id, of)
      if (!devices.has(of)) continue
      // One who says of himself that he is there on several devices is first of all there on the one that says it.
      const main = one.devices.find(({ presence }) => isAvailable(presence)) ?? one.devices[0]
      if (main) devices.set(of, { presence: main.presence, call })
      others.push(...one.devices.filter((device) => device !== main))
    }
    for (const { resource, presence } of others.slice(0, PUBLISHED_MAX))
      if (!devices.has(resource) && !isSession(aor, resource)) devices.set(resource, { presence, call: undefined })
    for (const [resource, { presence }] of devices) if (!isAvailable(presence)) devices.delete(resource)
    return devices
  }

  /** Its instance, as its GRUU has it; for one that has none, or none that could be a resource, the short name that finds it as well. */
  #nameOf(binding: Binding, account: Jid): string {
    const { instance } = binding
    try {
      if (instance && account.withResource(instance).resource === instance) return instance
    } catch (cause) {
      if (!(cause instanceof JidError)) throw cause
    }
    return this.rooms.locations.shortNameOf(binding)
  }

  #tell({ account, resource, presence }: ToldDevice): void {
    try {
      const told = this.rooms.setDevice(account, resource, presence)
      if (told instanceof Promise) told.catch(this.#failed)
    } catch (cause) {
      this.#failed(cause)
    }
  }

  readonly #failed = (cause: unknown): void => {
    this.rooms.log.failure({ what: 'telephone_not_shown', error: cause instanceof Error ? cause.stack : cause })
  }
}

interface ToldDevice {
  readonly account: Jid
  readonly resource: string
  readonly presence: Element | undefined
}

const isSame = (old: Said, { id, document }: Published): boolean =>
  old.id === id &&
  (old.document === document || (old.document.contentType === document.contentType && old.document.body.equals(document.body)))

function read({ id, source, document }: Published, account: Jid): Said {
  const devices = presencesIn(document, account, account).map(({ from, xml }: Stanza) => ({
    resource: from.resource ?? 'published',
    presence: kept(xml),
  }))
  return { id, source, document, devices }
}

/** The telephone that is registered from where the PUBLISH came, or from that host alone; where the account has only one, it is that. */
function telephoneFor(
  { source }: Said,
  telephones: readonly { readonly binding: Binding; readonly resource: string }[],
): string | undefined {
  const [only, another] = telephones
  if (only && !another) return only.resource
  if (!source) return undefined
  const atHost = telephones.filter(({ binding }) => binding.hop.host === source.host)
  const found = atHost.find(({ binding }) => binding.hop.port === source.port) ?? (atHost.length === 1 ? atHost[0] : undefined)
  return found?.resource
}
