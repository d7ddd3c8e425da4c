/** The receipts that SIP users have asked for (RFC 5438): each is given once, and none that was not asked for. */
import { type Asked, type News, wishFor } from '../mapping/imdn.ts'

export interface WishesLimits {
  /** Messages that are remembered; the oldest go first. */
  readonly messagesMax: number
  /** After that nobody waits for news of a message any more. */
  readonly rememberedMs: number
}

export const WISHES_DEFAULTS: WishesLimits = { messagesMax: 10_000, rememberedMs: 86_400_000 }

interface Message {
  readonly asked: Asked
  readonly until: number
  /** By kind of news: the stanza that told it. */
  readonly told: Map<News['kind'], object>
}

export class Wishes {
  readonly #messages = new Map<string, Message>()

  constructor(
    readonly now: () => number,
    readonly limits: WishesLimits = WISHES_DEFAULTS,
  ) {}

  get size(): number {
    return this.#messages.size
  }

  /** `id` is that of the stanza, by which XMPP will speak of the message. */
  asked(sender: string, id: string, asked: Asked): void {
    const key = `${sender}\n${id}`
    if (this.#messages.has(key)) return
    const oldest = this.#messages.size >= this.limits.messagesMax ? this.#messages.keys().next().value : undefined
    if (oldest !== undefined) this.#messages.delete(oldest)
    this.#messages.set(key, { asked, until: this.now() + this.limits.rememberedMs, told: new Map() })
  }

  /** See Making.askedFor. RFC 5438 §7.2.1: one notice of each kind, so that who was told `delivered` is never told `failed`. */
  readonly for = (sender: string, news: News, by: object): Asked | undefined => {
    const message = this.#waiting(sender, news)
    if (!message) return undefined
    const told = message.told.get(news.kind)
    if (told !== undefined && told !== by) return undefined
    message.told.set(news.kind, by)
    return message.asked
  }

  /** Whether he wants to hear it and has not. */
  waitsFor(sender: string, news: News): boolean {
    const message = this.#waiting(sender, news)
    return message !== undefined && !message.told.has(news.kind)
  }

  #waiting(sender: string, news: News): Message | undefined {
    const key = `${sender}\n${news.messageId}`
    const message = this.#messages.get(key)
    if (!message) return undefined
    if (message.until <= this.now()) {
      this.#messages.delete(key)
      return undefined
    }
    const wish = wishFor(news)
    return wish !== undefined && message.asked.wishes.has(wish) ? message : undefined
  }
}
