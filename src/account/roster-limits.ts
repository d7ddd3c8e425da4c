/** What accounts, and strangers who ask for something, can make grow in rosters and presence. */

export const ROSTER_LIMITS = {
  /** Contacts of one roster; their presences fit into what may wait for one client. */
  contacts: 5_000,
  groupsPerContact: 50,
  /** Characters; what a person reads in one line, with much room. */
  nameCharacters: 1_023,
  groupCharacters: 1_023,
  /** Requests from people who are not in the list that wait for an answer: strangers make them. */
  requests: 1_000,
  /** Elements and texts of one request that is kept: a greeting, a nick, an avatar's hash. */
  requestNodes: 200,
  /** Characters of it, markup aside. */
  requestCharacters: 16_384,
  /** Contacts held in memory for accounts that have nobody there just now. */
  idleContacts: 200_000,
  /** Addresses one session may have sent directed presence to. */
  directed: 1_000,
} as const
