/** What a component sends, on its way into the core: from its own domain alone (XEP-0114 §3), to somebody, and answered. */
import { Jid, JidError } from '../../address/jid.ts'
import type { Log } from '../../log/log.ts'
import { errorReply, mayBeAnswered, StanzaError } from '../../stanza/error.ts'
import { NS_CLIENT, Stanza } from '../../stanza/stanza.ts'
import { Element } from '../../xml/element.ts'
import { StreamError } from '../stream-error.ts'
import type { Submission } from '../submit.ts'
import type { ComponentLink } from './link.ts'
import type { Permissions } from './permissions.ts'
import type { Privileges } from './privileges.ts'

export class FromComponent {
  constructor(
    readonly submission: Submission,
    readonly privileges: Privileges,
    readonly log: Log,
  ) {}

  /** What it may do beyond its own domain is the first thing it is told. */
  greet(link: ComponentLink, advertisement: (from: string, to: string, permissions: Permissions, id: string) => Element | undefined): void {
    const { domain, permissions } = link.settings
    const from = this.privileges.domainFor(domain)
    const told = from === undefined ? undefined : advertisement(from, domain, permissions, this.submission.making.callId())
    if (told) link.deliver(told)
  }

  /** One stanza, in jabber:client already. Throws StreamError for one that may not be sent at all. */
  take(link: ComponentLink, xml: Element): void {
    const from = senderOf(link, xml)
    const to = this.#addressee(link, xml, from)
    if (!to) return
    const stanza = stanzaOf(xml, from, to)
    if (stanza.kind === 'iq') return this.#iq(link, stanza)
    const privileged = this.privileges.messageIn(link, stanza)
    if (privileged instanceof StanzaError) return this.#refuse(link, stanza, privileged)
    // An error about it is the component's to know: the account has sent nothing.
    this.#submit(link, stanza, privileged ?? stanza)
  }

  #submit(link: ComponentLink, asked: Stanza, stanza: Stanza): void {
    const reply = this.submission.submit(stanza, {})
    const tell = (late: Element | undefined): void => {
      if (late) link.component.tell(link, asked === stanza ? late : answering(asked, late))
    }
    if (reply instanceof Promise) reply.then(tell)
    else tell(reply)
  }

  #iq(link: ComponentLink, iq: Stanza): void {
    const { component } = link
    const { asking, awaiting } = component.rooms
    if (iq.type === 'result' || iq.type === 'error') {
      // It may answer on another of its connections.
      if (!asking.answered(link, iq) && !component.links.some((other) => asking.answered(other, iq)))
        this.log.lowLevel({ what: 'answer_dropped', from: iq.from.toString(), to: iq.to.toString() })
      return
    }
    try {
      if (iq.type !== 'get' && iq.type !== 'set')
        throw new StanzaError('modify', 'bad-request', 'An iq is a get, a set, a result or an error')
      if (!iq.id) throw new StanzaError('modify', 'bad-request', 'An iq needs an id')
      awaiting.begin(link, iq)
    } catch (cause) {
      return this.#refuse(link, iq, cause)
    }
    const reply = this.privileges.rosterAnswer(link, iq) ?? this.submission.submit(iq, {})
    const tell = (late: Element | undefined): void => {
      if (late && awaiting.end(link, iq.to.toString(), iq.id, iq.from.toString())) link.deliver(late)
    }
    if (reply instanceof Promise) reply.then(tell)
    else tell(reply)
  }

  #refuse(link: ComponentLink, stanza: Stanza, cause: unknown): void {
    if (!(cause instanceof StanzaError)) throw cause
    if (mayBeAnswered(stanza)) link.deliver(errorReply(stanza, cause))
  }

  /** Undefined where it was told that there is none. */
  #addressee(link: ComponentLink, xml: Element, from: Jid): Jid | undefined {
    const to = xml.attr('to')
    if ((to === undefined || to === '') && link.settings.from === 'check')
      throw new StreamError('improper-addressing', 'A stanza has no addressee')
    try {
      return Jid.parse(to ?? '')
    } catch (cause) {
      if (!(cause instanceof JidError)) throw cause
      // Nobody else can be the one who says so.
      const own = Jid.parse(link.settings.domain)
      this.#refuse(link, stanzaOf(xml, from, own), new StanzaError('modify', 'jid-malformed', cause.message))
      return undefined
    }
  }
}

/** Throws StreamError where it is nobody of the component's domain, and is not to be made somebody. */
function senderOf({ settings }: ComponentLink, xml: Element): Jid {
  const written = xml.attr('from')
  const jid = written === undefined ? undefined : jidIn(written)
  if (jid?.domain === settings.domain) return jid
  if (settings.from === 'stamp') return Jid.parse(settings.domain)
  throw new StreamError(
    'improper-addressing',
    written === undefined
      ? 'A stanza has no sender'
      : `You are ${settings.domain} and nobody else: a stanza is from ${written.slice(0, 200)}`,
  )
}

function jidIn(text: string): Jid | undefined {
  try {
    return Jid.parse(text)
  } catch (cause) {
    if (cause instanceof JidError) return undefined
    throw cause
  }
}

function stanzaOf(xml: Element, from: Jid, to: Jid): Stanza {
  const attrs = ['from', from.toString(), 'to', to.toString()]
  for (let i = 0; i < xml.attrs.length; i += 2) {
    const name = xml.attrs[i] as string
    if (name !== 'from' && name !== 'to') attrs.push(name, xml.attrs[i + 1] as string)
  }
  return new Stanza(new Element(xml.name, NS_CLIENT, attrs, xml.children), from, to)
}

/** The error about a message in somebody's name, as an error about the one that held it. */
function answering(asked: Stanza, reply: Element): Element {
  return reply.withAttr('from', asked.to.toString()).withAttr('to', asked.from.toString()).withAttr('id', asked.id)
}
