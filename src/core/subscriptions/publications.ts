/** What telephones publish of themselves (RFC 3903 §6): for each account the documents of its devices, as long as they last. */
import { SipUri } from '../../address/sip-uri.ts'
import type { Log } from '../../log/log.ts'
import { newTag } from '../../sip/identifier.ts'
import type { Kept, KeptRecord } from '../../store/port.ts'
import { PlainAnswer } from '../answer.ts'
import { type Answer, type MaybePromise, RefusedError, type Signal } from '../port.ts'
import { eventOf, grantedFor, mediaType, packageFor } from './event.ts'
import { PUBLICATION_DEFAULTS, type PublicationLimits } from './limits.ts'
import type { EventPackage } from './packages.ts'
import type { Document } from './port.ts'

/** One publication, as it stands. */
export interface Published {
  /** The same through all its refreshes and changes: one device, mostly. */
  readonly id: string
  readonly document: Document
  readonly expiresAt: number
  /** Where its first PUBLISH came from; undefined for one of an earlier version. */
  readonly source: Source | undefined
}

/** A transport address: that of a telephone, where one is registered from there. */
export interface Source {
  readonly host: string
  readonly port: number
}

export interface PublicationRooms {
  readonly kept: Kept
  readonly packages: readonly EventPackage[]
  /** The documents of an account are others now; an empty list where the last one is gone. A thrown RefusedError refuses the PUBLISH, which then changes nothing. */
  published(account: SipUri, event: string, published: readonly Published[]): void
  readonly now: () => number
  readonly log: Log
  readonly limits?: PublicationLimits
}

interface Publication extends Published {
  /** Another with each PUBLISH (§6 step 6). */
  readonly tag: string
}

/** All of one account and package. */
interface Shelf {
  readonly account: SipUri
  readonly event: string
  publications: readonly Publication[]
  expiring: NodeJS.Timeout | undefined
}

const NONE: readonly Published[] = []

export class Publications {
  readonly #limits: PublicationLimits
  readonly #shelves = new Map<string, Shelf>()

  constructor(readonly rooms: PublicationRooms) {
    this.#limits = rooms.limits ?? PUBLICATION_DEFAULTS
  }

  /** A PUBLISH that was proved to be the account's. Throws RefusedError. */
  publish(signal: Signal, account: SipUri): MaybePromise<Answer> {
    const { received: request, arrival } = signal
    if (!request || arrival.kind !== 'wire') throw new RefusedError(400, 'A publication needs a request')
    const { headers, body } = request
    const { event } = eventOf(headers.get('Event'))
    const { types } = packageFor(event, this.rooms.packages)
    const shelf = this.#shelf(account, event)
    const old = this.#named(shelf, headers.get('SIP-If-Match'))
    const seconds = grantedFor(headers.get('Expires'), this.#limits)
    if (body.length > this.#limits.documentMaxBytes)
      throw new RefusedError(413, `Request Entity Too Large: a document has up to ${this.#limits.documentMaxBytes} bytes`)
    const contentType = headers.get('Content-Type') ?? ''
    if (body.length > 0 && !types.includes(mediaType(contentType)))
      throw new RefusedError(415, 'Unsupported Media Type', [['Accept', types.join(', ')]])
    const document = body.length > 0 ? { contentType, body } : old?.document
    if (!document) throw new RefusedError(400, 'A first publication needs a document')
    if (!old && seconds > 0 && shelf.publications.length >= this.#limits.perAccountMax)
      throw new RefusedError(403, `More than ${this.#limits.perAccountMax} publications of one account`)
    const expiresAt = this.rooms.now() + seconds * 1_000
    const { host, port } = arrival.hop
    const made: Publication = { id: old?.id ?? newTag(), tag: newTag(), document, expiresAt, source: old?.source ?? { host, port } }
    const others = shelf.publications.filter((one) => one !== old)
    this.#change(shelf, seconds > 0 ? [...others, made] : others, old !== undefined || seconds > 0)
    const answer = new PlainAnswer(200, 'OK', [
      ['SIP-ETag', made.tag],
      ['Expires', String(seconds)],
    ])
    // §6 step 5: what the store did not take was not published.
    const written = seconds > 0 ? this.rooms.kept.put(recordOf(shelf, made)) : old && this.rooms.kept.remove(keyOf(shelf, old.id))
    return written instanceof Promise ? written.then(() => answer) : answer
  }

  of(account: SipUri, event: string): readonly Published[] {
    return this.#shelves.get(`${event} ${account.aor}`)?.publications ?? NONE
  }

  /** Everything of an account is gone. */
  forget(account: SipUri): void {
    for (const shelf of [...this.#shelves.values()]) {
      if (shelf.account.aor !== account.aor) continue
      for (const { id } of shelf.publications) this.#written(this.rooms.kept.remove(keyOf(shelf, id)))
      this.#change(shelf, [], true)
    }
  }

  /** Takes up those of an earlier run; `published` is told of each account. */
  async restore(): Promise<void> {
    const { kept, now, log, published } = this.rooms
    for (const record of await kept.load(now())) {
      try {
        const { account, event, id, tag, contentType, body, source }: Stored = JSON.parse(record.data)
        const shelf = this.#shelf(SipUri.parse(account), event)
        const document = { contentType, body: Buffer.from(body, 'base64') }
        this.#shelves.set(`${event} ${shelf.account.aor}`, shelf)
        shelf.publications = [...shelf.publications, { id, tag, document, expiresAt: record.expiresAt ?? now(), source }]
      } catch (cause) {
        log.failure({ what: 'publication_not_restored', key: record.key, error: cause instanceof Error ? cause.stack : cause })
        await kept.remove(record.key)
      }
    }
    for (const shelf of this.#shelves.values()) {
      this.#expire(shelf)
      published(shelf.account, shelf.event, shelf.publications)
    }
  }

  stop(): void {
    for (const { expiring } of this.#shelves.values()) clearTimeout(expiring)
  }

  #shelf(account: SipUri, event: string): Shelf {
    return this.#shelves.get(`${event} ${account.aor}`) ?? { account: account.bare, event, publications: [], expiring: undefined }
  }

  /** §6 step 3: a precondition that does not hold is 412, and the telephone publishes all of it anew. */
  #named({ publications }: Shelf, tag: string | undefined): Publication | undefined {
    if (tag === undefined) return undefined
    const now = this.rooms.now()
    const found = publications.find((one) => one.tag === tag.trim() && one.expiresAt > now)
    if (!found) throw new RefusedError(412, 'Conditional Request Failed')
    return found
  }

  #change(shelf: Shelf, publications: readonly Publication[], isNews: boolean): void {
    // The listener may refuse it.
    if (isNews) this.rooms.published(shelf.account, shelf.event, publications)
    shelf.publications = publications
    const key = `${shelf.event} ${shelf.account.aor}`
    if (publications.length > 0) this.#shelves.set(key, shelf)
    else this.#shelves.delete(key)
    this.#expire(shelf)
  }

  #expire(shelf: Shelf): void {
    clearTimeout(shelf.expiring)
    if (shelf.publications.length === 0) return
    const next = Math.min(...shelf.publications.map(({ expiresAt }) => expiresAt))
    shelf.expiring = setTimeout(() => this.#expired(shelf), Math.max(0, next - this.rooms.now())).unref()
  }

  #expired(shelf: Shelf): void {
    const now = this.rooms.now()
    const alive = shelf.publications.filter(({ expiresAt }) => expiresAt > now)
    for (const { id, expiresAt } of shelf.publications) if (expiresAt <= now) this.#written(this.rooms.kept.remove(keyOf(shelf, id)))
    try {
      this.#change(shelf, alive, alive.length < shelf.publications.length)
    } catch (cause) {
      this.#failed(cause)
    }
  }

  #written(written: MaybePromise<void>): void {
    if (written instanceof Promise) written.catch(this.#failed)
  }

  readonly #failed = (cause: unknown): void => {
    this.rooms.log.failure({ what: 'publication_failed', error: cause instanceof Error ? cause.stack : cause })
  }
}

interface Stored {
  readonly account: string
  readonly event: string
  readonly id: string
  readonly tag: string
  readonly contentType: string
  readonly body: string
  readonly source?: Source
}

const keyOf = ({ account, event }: Shelf, id: string): string => `${event} ${account.aor} ${id}`

function recordOf(shelf: Shelf, { id, tag, document, expiresAt, source }: Publication): KeptRecord {
  const { account, event } = shelf
  const { contentType, body } = document
  const stored: Stored = {
    account: account.toString(),
    event,
    id,
    tag,
    contentType,
    body: body.toString('base64'),
    ...(source && { source }),
  }
  return { key: keyOf(shelf, id), owner: account.aor, expiresAt, data: JSON.stringify(stored) }
}
