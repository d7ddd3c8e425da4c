/** What mapping is given with every stanza it makes: the clock, fresh identifiers, and what the domains prefer. */
import { Jid } from './address/jid.ts'
import { uriFor } from './mapping/address.ts'
import type { Making } from './mapping/making.ts'
import { newCallId, newTag } from './sip/identifier.ts'

interface Preference {
  /** As XMPP writes it. */
  readonly name: string
  readonly pagerType: 'chat' | 'normal'
}

export function makingFor(domains: readonly Preference[]): Making {
  const types = new Map(domains.map((domain) => [domain.name, domain.pagerType]))
  return {
    now: () => new Date(),
    tag: newTag,
    callId: newCallId,
    host: domains[0] ? uriFor(Jid.parse(domains[0].name)).host : 'stoxgate.invalid',
    pagerType: (name) => types.get(name) ?? 'chat',
  }
}
