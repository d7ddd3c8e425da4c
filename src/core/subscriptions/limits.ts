/** How long, how often and how much, for subscriptions and publications over SIP; each with its reason. */
export interface NotifierLimits {
  /** What a SUBSCRIBE gets that names no time (RFC 3856 §6.4). */
  readonly defaultExpiresSeconds: number
  /** Shorter ones are refused with 423: they would only keep us busy. */
  readonly minExpiresSeconds: number
  /** Longer ones are shortened, so that a watcher that is gone is noticed. */
  readonly maxExpiresSeconds: number
  /** From one NOTIFY of a dialog to the next (RFC 3856 §6.10). */
  readonly notifySeconds: number
  /** A watcher may want to hear more often than something changes (RFC 6446 min-rate), but not more often than this. */
  readonly atLeastEverySeconds: number
  /** After a NOTIFY that got no answer, until it is said once more. */
  readonly againMs: number
  /** The longest Retry-After of a NOTIFY that is obeyed. */
  readonly retryAfterMaxSeconds: number
  /** Dialogs of one watch: the devices of one watcher. The oldest goes for a new one. */
  readonly perWatchMax: number
  /** Dialogs of one watcher, over all he watches. */
  readonly perWatcherMax: number
  /** Dialogs about one address. */
  readonly perWatchedMax: number
  /** Dialogs altogether, at about 2.5 KiB each. */
  readonly totalMax: number
  /** NOTIFYs for a single look that are under way. */
  readonly fetchesMax: number
  /** What a refused one is told to wait. */
  readonly retryAfterSeconds: number
  /** NOTIFYs made in one turn of the event loop, so that a thousand watchers delay nobody else. */
  readonly perTurn: number
  /** NOTIFYs a second after a restart. */
  readonly returnsPerSecond: number
  /** Numbers reserved at once in the store: a restart goes on behind them, and not every NOTIFY writes. */
  readonly cseqStep: number
}

export const NOTIFIER_DEFAULTS: NotifierLimits = {
  defaultExpiresSeconds: 3_600,
  minExpiresSeconds: 60,
  maxExpiresSeconds: 86_400,
  notifySeconds: 5,
  atLeastEverySeconds: 30,
  againMs: 1_000,
  retryAfterMaxSeconds: 600,
  perWatchMax: 16,
  perWatcherMax: 2_000,
  perWatchedMax: 10_000,
  totalMax: 100_000,
  fetchesMax: 1_000,
  retryAfterSeconds: 60,
  perTurn: 20,
  returnsPerSecond: 200,
  cseqStep: 100,
}

export interface SubscriberLimits {
  /** What our SUBSCRIBE asks for (RFC 8048 §4). */
  readonly expiresSeconds: number
  /** The longest Min-Expires of a 423 that is obeyed. */
  readonly expiresMaxSeconds: number
  /** The part of a subscription's time after which it is refreshed, so that a lost SUBSCRIBE can be said again. */
  readonly refreshAt: number
  /** Timer N, 64 × T1: so long a first NOTIFY is waited for, so long others may fork from it, and so long a last one is taken (RFC 6665 §4.1.2.4). */
  readonly notifyWaitMs: number
  /** After a failure: the first wait, doubled each time up to the last one. */
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  /** The longest Retry-After, of a response or a termination, that is obeyed. */
  readonly retryAfterMaxSeconds: number
  /** Dialogs that one SUBSCRIBE may fork into. */
  readonly forksMax: number
  /** Subscriptions begun or refreshed a second after a restart: those who are watched are not run over. */
  readonly returnsPerSecond: number
  /** SUBSCRIBEs without an answer, over all watches; others wait for their turn. */
  readonly underWayMax: number
  /** Single looks under way. */
  readonly fetchesMax: number
}

export const SUBSCRIBER_DEFAULTS: SubscriberLimits = {
  expiresSeconds: 3_600,
  expiresMaxSeconds: 86_400,
  refreshAt: 0.9,
  notifyWaitMs: 32_000,
  retryFirstMs: 5_000,
  retryMaxMs: 900_000,
  retryAfterMaxSeconds: 3_600,
  forksMax: 10,
  returnsPerSecond: 50,
  underWayMax: 500,
  fetchesMax: 10_000,
}

export interface PublicationLimits {
  readonly defaultExpiresSeconds: number
  readonly minExpiresSeconds: number
  readonly maxExpiresSeconds: number
  /** Bytes of one document. */
  readonly documentMaxBytes: number
  /** Publications of one account and package: its telephones and what they run. */
  readonly perAccountMax: number
}

export const PUBLICATION_DEFAULTS: PublicationLimits = {
  defaultExpiresSeconds: 3_600, // RFC 3903 §6, step 4: the package's
  minExpiresSeconds: 60,
  maxExpiresSeconds: 86_400,
  documentMaxBytes: 16_384,
  perAccountMax: 20,
}

export interface PublisherLimits {
  readonly expiresSeconds: number
  readonly expiresMaxSeconds: number
  readonly refreshAt: number
  /** From one PUBLISH of an account to the next: what changes in between goes together. */
  readonly publishSeconds: number
  readonly retryFirstMs: number
  readonly retryMaxMs: number
}

export const PUBLISHER_DEFAULTS: PublisherLimits = {
  expiresSeconds: 3_600,
  expiresMaxSeconds: 86_400,
  refreshAt: 0.9,
  publishSeconds: 5,
  retryFirstMs: 5_000,
  retryMaxMs: 900_000,
}
