/** What a SIP user's MESSAGE says beside its words: that he types, which receipts he wants, what his telephone can read. */
import { deviceKey, type Locations } from '../core/location.ts'
import type { Manners } from '../core/manners.ts'
import type { Signal } from '../core/port.ts'
import { newsIn } from '../mapping/imdn.ts'
import { saidIn } from '../mapping/said.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Typing } from './typing.ts'
import type { Wishes } from './wishes.ts'

export interface ChattingRooms {
  readonly manners: Manners
  readonly typing: Typing
  readonly wishes: Wishes
  readonly locations: Locations
}

export class Chatting {
  constructor(readonly rooms: ChattingRooms) {}

  /** A request from a SIP peer, whoever it is for. */
  heard({ received, arrival, from }: Signal): void {
    if (!received || arrival.kind !== 'wire') return
    const { headers } = received
    if (isPlain(headers.get('Content-Type')) && !headers.has('Accept')) return
    const peer = arrival.account ? this.#deviceOf(arrival.account.aor, arrival.hop) : from.aor
    if (peer !== undefined) this.rooms.manners.heard(peer, received)
  }

  /** The stanza that was made of it, as it goes to its reader. */
  told(signal: Signal, stanza: Stanza): Stanza {
    const { received, from } = signal
    if (!received) return stanza
    const { typing, wishes } = this.rooms
    if (isPlain(received.headers.get('Content-Type'))) {
      typing.said(signal)
      return stanza
    }
    const { composing, asked, texts, news } = saidIn(received)
    if (texts.length === 0 && composing) return typing.status(signal, stanza, composing)
    if (news) return stanza
    typing.said(signal)
    if (asked && stanza.id !== undefined) wishes.asked(from.aor, stanza.id, asked)
    return stanza
  }

  /** Whether an error that comes late is news that its addressee has asked for. */
  wantsToHear(error: Stanza, { to }: Signal): boolean {
    const news = newsIn(error)
    return news !== undefined && this.rooms.wishes.waitsFor(to.aor, news)
  }

  /** The telephone that stands where the request came from; an account's only one in any case. */
  #deviceOf(aor: string, hop: { readonly host: string; readonly port: number }): string | undefined {
    const bindings = this.rooms.locations.bindingsOf(aor)
    const own = bindings.find((binding) => binding.hop.host === hop.host && binding.hop.port === hop.port)
    const device = own ?? (bindings.length === 1 ? bindings[0] : undefined)
    return device && deviceKey(device)
  }
}

/** Nothing in it but words. */
const isPlain = (contentType: string | undefined): boolean => contentType === undefined || contentType.startsWith('text/')
