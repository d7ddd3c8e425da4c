/** A component's stream until it has proved who it is (XEP-0114 §3): a header, and a handshake over its id and a secret. */

import { type Element, el } from '../../xml/element.ts'
import type { Connection } from '../connection.ts'
import type { Conversation } from '../conversation.ts'
import { domainIn } from '../domain-in.ts'
import { NS_COMPONENT } from '../namespaces.ts'
import { placeOf } from '../networks.ts'
import type { Guesses } from '../sasl/guesses.ts'
import { StreamError } from '../stream-error.ts'
import type { ComponentDomains } from './domains.ts'
import type { FromComponent } from './from-component.ts'
import { ComponentLink } from './link.ts'
import type { ComponentSettings } from './names.ts'
import { advertisement } from './permissions.ts'

export interface ComponentStreamRooms {
  readonly domains: ComponentDomains
  readonly guesses: Guesses
  readonly fromComponent: FromComponent
}

/** For a wrong secret and for a name nobody knows: who guesses learns nothing of either. */
const NOT_PROVED = new StreamError('not-authorized', 'This name and this secret do not belong together')

export class ComponentStream implements Conversation {
  #domain = ''
  #id = ''

  constructor(
    readonly connection: Connection,
    readonly rooms: ComponentStreamRooms,
  ) {}

  opened(header: Element): void {
    const { names } = this.rooms.domains
    const to = header.attr('to')
    const domain = domainIn(to)
    // No version: what follows in RFC 6120's streams (features) does not follow here.
    this.#id = this.connection.header({ ns: NS_COMPONENT, from: domain ?? this.connection.defaultDomain, version: undefined })
    if (!names.isOffered) throw new StreamError('invalid-namespace', 'Component streams are not offered here')
    if (domain === undefined)
      throw new StreamError('improper-addressing', `The header names ${to === undefined ? 'no component' : 'something that is no domain'}`)
    if (names.isOurs(domain)) throw new StreamError('conflict', `${domain} is served by this gateway itself`)
    this.#domain = domain
  }

  element(xml: Element): void {
    if (!xml.is('handshake', NS_COMPONENT)) throw new StreamError('not-authorized', 'Shake hands first')
    const settings = this.#proved(xml.text())
    const component = this.rooms.domains.of(settings.domain)
    component.admit(settings)
    const { connection } = this
    const link = new ComponentLink(connection, component, settings, this.rooms.fromComponent)
    connection.talkWith(link)
    connection.welcome()
    connection.send(el('handshake', NS_COMPONENT))
    this.rooms.fromComponent.greet(link, advertisement)
    component.joined(link)
  }

  ended(): void {}

  /** Counted like the passwords of accounts. Throws StreamError. */
  #proved(handshake: string): ComponentSettings {
    const { guesses, domains } = this.rooms
    const place = placeOf(this.connection.remote.address)
    const account = `component ${this.#domain}`
    if (!guesses.begin(account, place)) {
      this.connection.log.problem({ what: 'component_refused', domain: this.#domain, why: 'too many wrong guesses' })
      throw new StreamError('policy-violation', 'Too many wrong secrets; wait a minute')
    }
    const settings = domains.names.proved(this.#domain, this.#id, handshake)
    guesses.ended(account, place, settings ? 'succeeded' : 'failed')
    if (settings) return settings
    this.connection.log.problem({ what: 'component_refused', domain: this.#domain, why: 'wrong secret or unknown name' })
    throw NOT_PROVED
  }
}
