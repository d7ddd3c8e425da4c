/** Everything a component, or who writes to one, can grow, with its default and its reason. */

export interface ComponentLimits {
  /** Connections of one domain at a time. */
  readonly connections: number
  /** Domains that have come by `componentPassword`: each has a queue of its own. */
  readonly unlistedDomains: number
  /** Stanzas that wait for one component, while it is away or does not read. */
  readonly queuedStanzas: number
  /** Characters of them. */
  readonly queuedCharacters: number
  /** How long a component is expected back after its last connection, and for the first time after the start: a package upgrade takes half of it. */
  readonly awaySeconds: number
  /** How long a SIP request waits for that: with the 20 s of an INFO it stays below Timer F, 32 s (RFC 3261 §17.1.2.2). */
  readonly telephoneSeconds: number
  /** Characters that one connection has not read, above which stanzas wait instead of being written; a quarter of what ends a stream. */
  readonly unreadCharacters: number
  /** How long a connection may not read at all while stanzas wait for it. */
  readonly stalledSeconds: number
  /** How long an iq waits for the component's answer in its own transaction; after that it follows as an INFO (as for clients). */
  readonly answerSeconds: number
  /** After this whoever asked has given up. */
  readonly forgottenSeconds: number
  /** Questions (iq) under way to one connection, and from it: all its users share them. */
  readonly outstanding: number
  /** Pairs of addresses whose connection is remembered for each domain, so that their order stays; the one that was used last is forgotten last. */
  readonly pairs: number
}

export const COMPONENT_LIMITS: ComponentLimits = {
  connections: 16,
  unlistedDomains: 100,
  queuedStanzas: 10_000,
  queuedCharacters: 16_777_216,
  awaySeconds: 60,
  telephoneSeconds: 10,
  unreadCharacters: 524_288,
  stalledSeconds: 60,
  answerSeconds: 20,
  forgottenSeconds: 120,
  outstanding: 10_000,
  pairs: 20_000,
}
