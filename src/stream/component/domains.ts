/** The way to everything below the domains of components, and the register of those that are there. */
import { Jid } from '../../address/jid.ts'
import type { Signal, Target, Way } from '../../core/port.ts'
import { uriFor } from '../../mapping/address.ts'
import { StreamError } from '../stream-error.ts'
import { Component, type ComponentRooms } from './component.ts'
import { ComponentTarget, type ComponentTargetRooms } from './deliver.ts'
import type { ComponentNames } from './names.ts'

export class ComponentDomains implements Way {
  readonly name = 'components'
  /** By SIP host: lower-case A-labels. */
  readonly #targets = new Map<string, ComponentTarget>()
  #names: ComponentNames

  constructor(
    names: ComponentNames,
    readonly rooms: Omit<ComponentRooms, 'abandoned'> & ComponentTargetRooms,
  ) {
    this.#names = names
    for (const { domain } of names.listed) this.#add(domain)
  }

  get names(): ComponentNames {
    return this.#names
  }

  targetFor(signal: Signal): Target | undefined {
    return this.#targets.get(signal.to.host)
  }

  /** By SIP host. */
  has(host: string): boolean {
    return this.#targets.has(host)
  }

  /** By its domain as XMPP writes it. */
  find(domain: string): Component | undefined {
    return this.#targets.get(hostOf(domain))?.component
  }

  /** The component of somebody who has proved to be it. Throws StreamError where there are too many. */
  of(domain: string): Component {
    const known = this.find(domain)
    if (known) return known
    const { unlistedDomains } = this.rooms.limits
    if (this.components.filter((one) => !this.#names.isListed(one.domain)).length >= unlistedDomains)
      throw new StreamError('resource-constraint', `There are ${unlistedDomains} components here already`)
    return this.#add(domain)
  }

  get components(): readonly Component[] {
    return [...this.#targets.values()].map(({ component }) => component)
  }

  /** Other settings from now on: who has no place in them goes, and so does who has proved himself by another secret. */
  change(names: ComponentNames): void {
    this.#names = names
    for (const component of this.components) {
      const settings = names.settingsOf(component.domain)
      for (const link of [...component.links]) {
        if (!settings) link.end(new StreamError('host-gone', 'This component is not served here any more'))
        else if (settings.secret !== link.settings.secret) link.end(new StreamError('reset', 'The secret was changed; connect again'))
      }
      if (!settings) this.#remove(component)
    }
    for (const { domain } of names.listed) if (!this.find(domain)) this.#add(domain)
  }

  /** How it stands with each. */
  get status(): readonly (readonly [string, string])[] {
    return this.components.map(({ domain, connections, isExpected, queued }) => [
      `component ${domain}`,
      `${connections > 0 ? `${connections} connected` : isExpected ? 'awaited' : 'away'}, ${queued} waiting`,
    ])
  }

  stop(): void {
    for (const component of this.components) component.stop()
  }

  #add(domain: string): Component {
    const component = new Component(domain, {
      ...this.rooms,
      abandoned: (one) => {
        if (!this.#names.isListed(one.domain)) this.#remove(one)
      },
    })
    this.#targets.set(hostOf(domain), new ComponentTarget(component, this.rooms))
    return component
  }

  #remove(component: Component): void {
    this.#targets.delete(hostOf(component.domain))
    component.stop()
  }
}

const hostOf = (domain: string): string => uriFor(Jid.parse(domain)).host
