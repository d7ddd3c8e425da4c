/** Who only tries: addresses that are refused again and again are not listened to for a while, so that a scanner costs next to nothing. */
import type { Log } from '../log/log.ts'

export interface ScannerLimits {
  /** Refusals of one address within the window. An office that starts two hundred telephones at once is challenged as often, before the first one has answered. */
  readonly refusalsMax: number
  readonly windowMs: number
  /** What a wrong password counts: 50 guesses a minute for each address. */
  readonly wrongPasswordCounts: number
  /** How long nothing is heard of that address. */
  readonly ignoredMs: number
  /** Addresses watched at the same time; the oldest goes first. */
  readonly addressesMax: number
  /** How long an address counts as a telephone's after a right password: the longest registration. */
  readonly provenMs: number
  /** Addresses of telephones remembered. */
  readonly provenMax: number
}

export const SCANNER_DEFAULTS: ScannerLimits = {
  refusalsMax: 500,
  windowMs: 60_000,
  wrongPasswordCounts: 10,
  ignoredMs: 300_000,
  addressesMax: 10_000,
  provenMs: 7_200_000,
  provenMax: 100_000,
}

class Watched {
  refusals = 0
  dropped = 0
  /** Until then nothing is heard. */
  ignoredUntil = 0

  constructor(public windowEndsAt: number) {}
}

export interface ScannerRooms {
  /** Never ignored, whatever comes. */
  readonly exempt: { has(address: string): boolean }
  /** What counts as one place: somebody with IPv6 has as many addresses as he likes. */
  placeOf(address: string): string
  now(): number
  readonly log: Log
}

export class Scanners {
  readonly #rooms: ScannerRooms
  readonly #limits: ScannerLimits
  readonly #watched = new Map<string, Watched>()
  /** Until when. */
  readonly #proven = new Map<string, number>()
  #ignored = 0
  #dropped = 0

  constructor(rooms: ScannerRooms, limits: ScannerLimits = SCANNER_DEFAULTS) {
    this.#rooms = rooms
    this.#limits = limits
  }

  /** Requests that were not heard, for who looks at the gateway. */
  get dropped(): number {
    return this.#dropped
  }

  /** Asked before anything else of a request is looked at. */
  refuses(address: string): boolean {
    // The usual case: nobody is ignored.
    if (this.#ignored === 0) return false
    const place = this.#rooms.placeOf(address)
    const watched = this.#watched.get(place)
    if (!watched || watched.ignoredUntil === 0) return false
    if (watched.ignoredUntil > this.#rooms.now()) {
      watched.dropped++
      this.#dropped++
      return true
    }
    this.#forget(place, watched)
    return false
  }

  /** What came was no request. */
  noise(address: string): void {
    this.#count(address, 1)
  }

  /** What became of a request: refusals count, whoever proves himself is no scanner. `hadCredentials`: and they were wrong. */
  answered(address: string, status: number, hadCredentials: boolean): void {
    if (status < 400 || status >= 600 || !COUNTED.has(status)) return
    const isWrong = hadCredentials && (status === 401 || status === 407)
    this.#count(address, isWrong ? this.#limits.wrongPasswordCounts : 1)
  }

  /** A telephone of ours is there, or a next hop of the operator's. */
  proved(address: string): void {
    const place = this.#rooms.placeOf(address)
    const { provenMs, provenMax } = this.#limits
    // The newest stands last, so the first is the one to go.
    this.#proven.delete(place)
    if (this.#proven.size >= provenMax) for (const [oldest] of this.#proven) if (this.#proven.delete(oldest)) break
    this.#proven.set(place, this.#rooms.now() + provenMs)
    const watched = this.#watched.get(place)
    if (watched) this.#forget(place, watched)
  }

  #count(address: string, points: number): void {
    const { now, log, exempt } = this.#rooms
    const place = this.#rooms.placeOf(address)
    const time = now()
    if ((this.#proven.get(place) ?? 0) > time || exempt.has(address)) return
    const watched = this.#watchedAt(place, time)
    watched.refusals += points
    if (watched.refusals < this.#limits.refusalsMax || watched.ignoredUntil !== 0) return
    watched.ignoredUntil = time + this.#limits.ignoredMs
    this.#ignored++
    log.problem({ what: 'scanner_ignored', address: place, refusals: watched.refusals, seconds: this.#limits.ignoredMs / 1_000 })
  }

  #watchedAt(place: string, time: number): Watched {
    const { windowMs, addressesMax } = this.#limits
    const known = this.#watched.get(place)
    if (known) {
      if (known.windowEndsAt <= time && known.ignoredUntil === 0) {
        known.refusals = 0
        known.windowEndsAt = time + windowMs
      }
      return known
    }
    if (this.#watched.size >= addressesMax) for (const [oldest, one] of this.#watched) if (this.#forget(oldest, one)) break
    const watched = new Watched(time + windowMs)
    this.#watched.set(place, watched)
    return watched
  }

  #forget(place: string, watched: Watched): true {
    this.#watched.delete(place)
    if (watched.ignoredUntil !== 0) {
      this.#ignored--
      this.#rooms.log.problem({ what: 'scanner_heard_again', address: place, dropped: watched.dropped })
    }
    return true
  }
}

/** What who tries names, passwords and methods gets. A telephone that calls somebody who is not there (480) or busy (486) does nothing wrong. */
const COUNTED = new Set([400, 401, 403, 404, 405, 407, 416, 420, 481, 482, 501])
