/** A stanza between two known addresses: the tree as it came, with sender and addressee parsed. */
import type { Jid } from '../address/jid.ts'
import type { Element } from '../xml/element.ts'

/** Inside the house every stanza is in this namespace; streams of servers and components rename it at their edge. */
export const NS_CLIENT = 'jabber:client'

export class Stanza {
  constructor(
    /** message, presence or iq in `jabber:client`; its `from` and `to` agree with the two fields below. */
    readonly xml: Element,
    readonly from: Jid,
    readonly to: Jid,
  ) {}

  get kind(): 'message' | 'presence' | 'iq' {
    return this.xml.name as 'message' | 'presence' | 'iq'
  }

  get id(): string | undefined {
    return this.xml.attr('id')
  }

  /** The `type` attribute, or what its absence means: normal, available. */
  get type(): string {
    return this.xml.attr('type') ?? (this.xml.name === 'message' ? 'normal' : this.xml.name === 'presence' ? 'available' : '')
  }
}
