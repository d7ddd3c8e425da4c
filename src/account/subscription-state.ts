/** Subscription states and what each stanza does to them: the tables of RFC 6121 appendix A, in the order in which it prints them. */

/** §A.1, seen by the user whose roster it is. */
export type State =
  | 'None'
  | 'None + Pending Out'
  | 'None + Pending In'
  | 'None + Pending Out+In'
  | 'To'
  | 'To + Pending In'
  | 'From'
  | 'From + Pending Out'
  | 'Both'

export const SUBSCRIPTION_TYPES = ['subscribe', 'unsubscribe', 'subscribed', 'unsubscribed'] as const
export type SubscriptionType = (typeof SUBSCRIPTION_TYPES)[number]

export const isSubscriptionType = (type: string): type is SubscriptionType => SUBSCRIPTION_TYPES.some((one) => one === type)

/** Whether the stanza goes on (to the contact, or to the user's own devices), and the state that follows; undefined: no state change. */
type Row = readonly [passes: boolean, next: State | undefined]
type Table = Readonly<Record<State, Row>>

const MUST = true
/** S.N. and M.N.: it may not, or should not, and we do not. */
const NOT = false

/** Tables 2 to 5: what the user sends. */
export const OUTBOUND: Readonly<Record<SubscriptionType, Table>> = {
  subscribe: {
    None: [MUST, 'None + Pending Out'],
    'None + Pending Out': [MUST, undefined],
    'None + Pending In': [MUST, 'None + Pending Out+In'],
    'None + Pending Out+In': [MUST, undefined],
    To: [MUST, undefined],
    'To + Pending In': [MUST, undefined],
    From: [MUST, 'From + Pending Out'],
    'From + Pending Out': [MUST, undefined],
    Both: [MUST, undefined],
  },
  unsubscribe: {
    None: [MUST, undefined],
    'None + Pending Out': [MUST, 'None'],
    'None + Pending In': [MUST, undefined],
    'None + Pending Out+In': [MUST, 'None + Pending In'],
    To: [MUST, 'None'],
    'To + Pending In': [MUST, 'None + Pending In'],
    From: [MUST, undefined],
    'From + Pending Out': [MUST, 'From'],
    Both: [MUST, 'From'],
  },
  // In the states that have nothing to approve it is a pre-approval: see `isPreApproval`.
  subscribed: {
    None: [NOT, undefined],
    'None + Pending Out': [NOT, undefined],
    'None + Pending In': [MUST, 'From'],
    'None + Pending Out+In': [MUST, 'From + Pending Out'],
    To: [NOT, undefined],
    'To + Pending In': [MUST, 'Both'],
    From: [NOT, undefined],
    'From + Pending Out': [NOT, undefined],
    Both: [NOT, undefined],
  },
  unsubscribed: {
    None: [NOT, undefined],
    'None + Pending Out': [NOT, undefined],
    'None + Pending In': [MUST, 'None'],
    'None + Pending Out+In': [MUST, 'None + Pending Out'],
    To: [NOT, undefined],
    'To + Pending In': [MUST, 'To'],
    From: [MUST, 'None'],
    'From + Pending Out': [MUST, 'None + Pending Out'],
    Both: [MUST, 'To'],
  },
}

/** Tables 6 to 9: what the contact sends. */
export const INBOUND: Readonly<Record<SubscriptionType, Table>> = {
  // Whoever has approved already is not asked: the server answers `subscribed` for him.
  subscribe: {
    None: [MUST, 'None + Pending In'],
    'None + Pending Out': [MUST, 'None + Pending Out+In'],
    'None + Pending In': [NOT, undefined],
    'None + Pending Out+In': [NOT, undefined],
    To: [MUST, 'To + Pending In'],
    'To + Pending In': [NOT, undefined],
    From: [NOT, undefined],
    'From + Pending Out': [NOT, undefined],
    Both: [NOT, undefined],
  },
  // Where it changes something the server answers `unsubscribed`.
  unsubscribe: {
    None: [NOT, undefined],
    'None + Pending Out': [NOT, undefined],
    'None + Pending In': [MUST, 'None'],
    'None + Pending Out+In': [MUST, 'None + Pending Out'],
    To: [NOT, undefined],
    'To + Pending In': [MUST, 'To'],
    From: [MUST, 'None'],
    'From + Pending Out': [MUST, 'None + Pending Out'],
    Both: [MUST, 'To'],
  },
  subscribed: {
    None: [NOT, undefined],
    'None + Pending Out': [MUST, 'To'],
    'None + Pending In': [NOT, undefined],
    'None + Pending Out+In': [MUST, 'To + Pending In'],
    To: [NOT, undefined],
    'To + Pending In': [NOT, undefined],
    From: [NOT, undefined],
    'From + Pending Out': [MUST, 'Both'],
    Both: [NOT, undefined],
  },
  unsubscribed: {
    None: [NOT, undefined],
    'None + Pending Out': [MUST, 'None'],
    'None + Pending In': [NOT, undefined],
    'None + Pending Out+In': [MUST, 'None + Pending In'],
    To: [MUST, 'None'],
    'To + Pending In': [MUST, 'None + Pending In'],
    From: [NOT, undefined],
    'From + Pending Out': [MUST, 'From'],
    Both: [MUST, 'From'],
  },
}

/** Table 4, note 1: an approval of what was not asked yet (§3.4.2). */
export const isPreApproval = (state: State): boolean => state === 'None' || state === 'None + Pending Out' || state === 'To'

/** The contact sees the user: "From", "From + Pending Out", "Both". */
export const showsUser = (state: State): boolean => state === 'From' || state === 'From + Pending Out' || state === 'Both'
