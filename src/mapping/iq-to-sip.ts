/** iq is INFO, all of it in P-XMPP-Data; there is no IETF mapping (the answer comes in the final response, or late in an INFO of its own). */
import type { HopPolicy } from '../core/port.ts'
import type { Stanza } from '../stanza/stanza.ts'
import type { Element } from '../xml/element.ts'
import type { Content } from './request.ts'
import { NOTHING_NATIVE, residueOf } from './residue.ts'

export class IqContent implements Content {
  readonly text = undefined
  readonly standsAlone = false

  constructor(
    readonly stanza: Stanza,
    readonly fields: readonly string[],
    readonly hop: HopPolicy,
  ) {}

  data(): Element {
    return this.hop.fullXmppData ? this.stanza.xml : residueOf(this.stanza, NOTHING_NATIVE)
  }
}
