/** One account's roster in memory: what the store has, found by address. */
import type { Jid } from '../address/jid.ts'
import type { SipUri } from '../address/sip-uri.ts'
import { SipUriError } from '../address/sip-uri.ts'
import { uriFor } from '../mapping/address.ts'
import type { StoredContact, StoredRoster } from '../store/port.ts'

/** A contact and where it is reached. */
export class Contact {
  #uri: SipUri | undefined

  constructor(public stored: StoredContact) {}

  get jid(): Jid {
    return this.stored.jid
  }

  /** Undefined where SIP has no such address. */
  get uri(): SipUri | undefined {
    if (this.#uri) return this.#uri
    try {
      this.#uri = uriFor(this.stored.jid)
    } catch (cause) {
      if (!(cause instanceof SipUriError)) throw cause
    }
    return this.#uri
  }
}

export class Roster {
  version: number
  /** Changes on their way into the store; meanwhile this is the only copy that knows of them. */
  writes = 0
  readonly #contacts = new Map<string, Contact>()
  #listed = 0

  constructor(
    readonly account: Jid,
    /** The same in SIP's terms. */
    readonly uri: SipUri,
    { version, contacts }: StoredRoster,
  ) {
    this.version = version
    for (const contact of contacts) this.put(contact)
  }

  /** All, those included who have only asked. */
  get contacts(): Iterable<Contact> {
    return this.#contacts.values()
  }

  get size(): number {
    return this.#contacts.size
  }

  /** Those whom clients are shown. */
  get listed(): number {
    return this.#listed
  }

  contact(jid: Jid): Contact | undefined {
    return this.#contacts.get(jid.bare.toString())
  }

  stored(jid: Jid): StoredContact | undefined {
    return this.contact(jid)?.stored
  }

  put(contact: StoredContact): void {
    const key = contact.jid.toString()
    const known = this.#contacts.get(key)
    this.#listed += Number(contact.listed) - Number(known?.stored.listed ?? false)
    if (known) known.stored = contact
    else this.#contacts.set(key, new Contact(contact))
  }

  remove(jid: Jid): void {
    const key = jid.bare.toString()
    if (this.#contacts.get(key)?.stored.listed) this.#listed--
    this.#contacts.delete(key)
  }
}
