/** XMPP addresses: localpart, domainpart, resourcepart, prepared and enforced (RFC 7622). */
import { domainpart } from './domainpart.ts'
import { opaqueString, PrecisError, usernameCaseMapped } from './precis.ts'

/** Bytes of UTF-8 in each part (RFC 7622 §3.2 to §3.4). */
const PART_MAX_BYTES = 1023
/** Characters of a text worth looking at: three parts of the longest kind and their two separators. */
const TEXT_MAX_CHARACTERS = 3 * PART_MAX_BYTES + 2

// What needs no preparation: already in the form that the profiles would give it.
const PLAIN_LOCAL = /^[a-z0-9!#$%()*+,\-.;=?[\]^_`{|}~]+$/
const PLAIN_DOMAIN = /^[a-z0-9]+(?:[.-][a-z0-9]+)*$/
const PLAIN_RESOURCE = /^[!-~][ -~]*$/
/** A domain this short has no label that is too long (RFC 1035 §2.3.4). */
const LABEL_MAX_BYTES = 63

/** RFC 7622 §3.3.1: allowed by the profile, excluded from a localpart. */
const EXCLUDED_FROM_LOCAL = /["&'/:<>@]/

export type JidPart = 'local' | 'domain' | 'resource'

/** Not an address; the message says which part is wrong and why. */
export class JidError extends Error {
  override name = 'JidError'
  constructor(
    readonly part: JidPart,
    why: string,
  ) {
    super(`The ${part}part of the address ${why}`)
  }
}

export class Jid {
  readonly #text: string
  #bare: Jid | undefined

  private constructor(
    readonly local: string | undefined,
    readonly domain: string,
    readonly resource: string | undefined,
    text: string,
  ) {
    this.#text = text
  }

  /** Prepared and enforced (UsernameCaseMapped, IDNA U-labels, OpaqueString); throws JidError. */
  static parse(text: string): Jid {
    if (text.length > TEXT_MAX_CHARACTERS) throw new JidError('domain', 'is lost in a text of more than 3071 characters')
    // RFC 7622 §3.2: first cut at the first slash, then at the first "@" before it.
    const slash = text.indexOf('/')
    const end = slash < 0 ? text.length : slash
    const at = text.indexOf('@')
    const named = at >= 0 && at < end
    return Jid.of(named ? text.slice(0, at) : undefined, text.slice(named ? at + 1 : 0, end), slash < 0 ? undefined : text.slice(slash + 1))
  }

  /** From its parts, each prepared and enforced; throws JidError. A part that is absent is undefined, never empty. */
  static of(local: string | undefined, domain: string, resource?: string): Jid {
    const l = local === undefined ? undefined : localpart(local)
    const d = domain.length <= LABEL_MAX_BYTES && PLAIN_DOMAIN.test(domain) ? domain : domainpart(domain, refuseDomain)
    const r = resource === undefined ? undefined : resourcepart(resource)
    return new Jid(l, d, r, textOf(l, d, r))
  }

  /** Without the resource; itself where it has none. */
  get bare(): Jid {
    if (this.resource === undefined) return this
    this.#bare ??= new Jid(this.local, this.domain, undefined, textOf(this.local, this.domain, undefined))
    return this.#bare
  }

  /** Names one device: there is a resource. */
  get isFull(): boolean {
    return this.resource !== undefined
  }

  /** Names an account or a domain: there is no resource. */
  get isBare(): boolean {
    return this.resource === undefined
  }

  /** Nothing but a domain. */
  get isDomain(): boolean {
    return this.local === undefined && this.resource === undefined
  }

  /** The same account or domain with this resource, or with none. */
  withResource(resource: string | undefined): Jid {
    if (resource === undefined) return this.bare
    const r = resourcepart(resource)
    return new Jid(this.local, this.domain, r, textOf(this.local, this.domain, r))
  }

  toString(): string {
    return this.#text
  }

  equals(other: Jid): boolean {
    return this.#text === other.#text
  }
}

function textOf(local: string | undefined, domain: string, resource: string | undefined): string {
  const bare = local === undefined ? domain : `${local}@${domain}`
  return resource === undefined ? bare : `${bare}/${resource}`
}

function localpart(text: string): string {
  if (PLAIN_LOCAL.test(text) && text.length <= PART_MAX_BYTES) return text
  const local = enforced('local', text, usernameCaseMapped)
  const excluded = EXCLUDED_FROM_LOCAL.exec(local)
  if (excluded) throw new JidError('local', `may not contain ${excluded[0]} (RFC 7622 §3.3.1)`)
  // XEP-0106 §4.2: an escaped space neither begins nor ends a localpart.
  if (local.startsWith('\\20') || local.endsWith('\\20'))
    throw new JidError('local', 'may not begin or end with an escaped space (XEP-0106)')
  return local
}

function resourcepart(text: string): string {
  if (PLAIN_RESOURCE.test(text) && text.length <= PART_MAX_BYTES) return text
  const resource = enforced('resource', text, opaqueString)
  // OpaqueString would let it pass; example 18 of RFC 7622 §3.5 does not.
  if (resource.startsWith(' ')) throw new JidError('resource', 'begins with a space')
  return resource
}

function enforced(part: JidPart, text: string, profile: (text: string) => string): string {
  if (text.length === 0) throw new JidError(part, 'is empty')
  if (text.length > TEXT_MAX_CHARACTERS) throw new JidError(part, `is longer than ${PART_MAX_BYTES} bytes`)
  let result: string
  try {
    result = profile(text)
  } catch (cause) {
    if (cause instanceof PrecisError) throw new JidError(part, cause.message)
    throw cause
  }
  if (Buffer.byteLength(result) > PART_MAX_BYTES) throw new JidError(part, `is longer than ${PART_MAX_BYTES} bytes`)
  return result
}

function refuseDomain(why: string): JidError {
  return new JidError('domain', why)
}
