/** A component that acts for our accounts (XEP-0356): their lists of contacts, and messages in their name, where its permissions say so. */
import type { Features } from '../../account/feature.ts'
import { NS_ROSTER } from '../../account/roster-item.ts'
import { Jid, JidError } from '../../address/jid.ts'
import type { MaybePromise } from '../../core/port.ts'
import type { Log } from '../../log/log.ts'
import { errorReply, StanzaError } from '../../stanza/error.ts'
import { resultOf } from '../../stanza/reply.ts'
import { NS_CLIENT, Stanza } from '../../stanza/stanza.ts'
import type { Element } from '../../xml/element.ts'
import type { ComponentLink } from './link.ts'
import { NS_PRIVILEGE } from './permissions.ts'

const NS_FORWARD = 'urn:xmpp:forward:0'

export interface PrivilegeRooms {
  /** Our domains, prepared. */
  readonly hosted: readonly string[]
  /** What answers an owner who asks for his list of contacts, or changes it. */
  readonly roster: Features
  exists(account: Jid): MaybePromise<boolean>
  readonly log: Log
}

const NOT_GRANTED = new StanzaError('auth', 'forbidden', 'This component has no permission for that')
const NOT_MANAGED = new StanzaError('auth', 'forbidden', 'A message is sent in the name of a bare address of this domain')
const NOTHING_IN_IT = new StanzaError('modify', 'bad-request', 'A privilege forwards one message with an addressee')
const NOBODY = new StanzaError('cancel', 'item-not-found', 'There is no such account')
const OUR_FAULT = new StanzaError('cancel', 'internal-server-error')

export class Privileges {
  constructor(readonly rooms: PrivilegeRooms) {}

  /** The domain whose accounts a component may act for: the one it stands below, or the only one there is. */
  domainFor(component: string): string | undefined {
    const { hosted } = this.rooms
    return hosted.find((domain) => component.endsWith(`.${domain}`)) ?? (hosted.length === 1 ? hosted[0] : undefined)
  }

  /** §5.3: the message to be sent instead of this one; the refusal where it may not; undefined: it is an ordinary message. */
  messageIn({ settings }: ComponentLink, { xml, to, kind }: Stanza): Stanza | StanzaError | undefined {
    const privilege = kind === 'message' ? xml.child('privilege', NS_PRIVILEGE) : undefined
    const domain = this.domainFor(settings.domain)
    if (!privilege || !to.isDomain || to.domain !== domain || xml.attr('type') === 'error') return undefined
    if (settings.permissions.message !== 'outgoing') return NOT_GRANTED
    const message = privilege.child('forwarded', NS_FORWARD)?.child('message', NS_CLIENT)
    const from = jidIn(message?.attr('from'))
    const addressee = jidIn(message?.attr('to'))
    if (!message || !addressee) return NOTHING_IN_IT
    if (from?.domain !== domain || from.isFull) return NOT_MANAGED
    return new Stanza(message.withAttr('from', from.toString()).withAttr('to', addressee.toString()), from, addressee)
  }

  /** §4.3: undefined where it is no question for an account's list of contacts. Never rejects. */
  rosterAnswer({ settings }: ComponentLink, iq: Stanza): MaybePromise<Element> | undefined {
    const query = iq.xml.firstElement()
    if (!query?.is('query', NS_ROSTER) || iq.to.local === undefined || iq.to.isFull) return undefined
    if (iq.to.domain !== this.domainFor(settings.domain)) return undefined
    const { roster } = settings.permissions
    if (roster !== 'both' && roster !== iq.type) return errorReply(iq, NOT_GRANTED)
    return this.#answered(iq, query)
  }

  async #answered(iq: Stanza, query: Element): Promise<Element> {
    try {
      if (!(await this.rooms.exists(iq.to))) throw NOBODY
      // As if its owner had asked.
      const answerer = this.rooms.roster.answererOf(iq, query)
      return resultOf(iq, await answerer?.(new Stanza(iq.xml, iq.to, iq.to), query)).xml
    } catch (cause) {
      if (cause instanceof StanzaError) return errorReply(iq, cause)
      this.rooms.log.failure({ what: 'privilege_failed', error: cause instanceof Error ? cause.stack : cause })
      return errorReply(iq, OUR_FAULT)
    }
  }
}

function jidIn(text: string | undefined): Jid | undefined {
  if (text === undefined) return undefined
  try {
    return Jid.parse(text)
  } catch (cause) {
    if (cause instanceof JidError) return undefined
    throw cause
  }
}
