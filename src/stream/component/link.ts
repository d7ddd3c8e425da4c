/** One connection of a component that has proved who it is (XEP-0114): what it sends goes to the core, what reaches its domain is written to it. */
import type { Party } from '../../account/outstanding.ts'
import { NS_CLIENT } from '../../stanza/stanza.ts'
import type { Element } from '../../xml/element.ts'
import type { Connection } from '../connection.ts'
import { inNamespace } from '../content-namespace.ts'
import type { Conversation } from '../conversation.ts'
import { NS_COMPONENT } from '../namespaces.ts'
import { StreamError } from '../stream-error.ts'
import type { Component } from './component.ts'
import type { FromComponent } from './from-component.ts'
import type { ComponentSettings } from './names.ts'
import type { Waiting } from './waiting.ts'

export class ComponentLink implements Party, Conversation {
  readonly hasManyAddresses = true
  readonly outstandingMax: number
  /** What waits until this connection has read what was written before. */
  readonly waiting: Waiting[] = []
  #isDraining = false

  constructor(
    readonly connection: Connection,
    readonly component: Component,
    readonly settings: ComponentSettings,
    private readonly fromComponent: FromComponent,
  ) {
    this.outstandingMax = component.rooms.limits.outstanding
  }

  // --- as its component sees it ---

  deliver(xml: Element): void {
    this.connection.sendStanza(xml)
  }

  written(): Promise<void> {
    return this.connection.written()
  }

  /** Stanzas have to wait for it. */
  get isBusy(): boolean {
    return this.waiting.length > 0 || this.#isFull
  }

  /** Something was added to what waits. */
  drain(): void {
    if (!this.#isDraining) void this.#drain()
  }

  end(error: StreamError): void {
    this.connection.fail(error)
  }

  get #isFull(): boolean {
    return this.connection.waiting > this.component.rooms.limits.unreadCharacters
  }

  async #drain(): Promise<void> {
    this.#isDraining = true
    const { stalledSeconds } = this.component.rooms.limits
    while (this.waiting.length > 0 && this.connection.isOpen) {
      const stalled = setTimeout(() => this.end(TOO_SLOW), stalledSeconds * 1_000).unref()
      try {
        await this.connection.written()
      } catch {
        // The connection has ended: what waits has gone to another one by now, or back.
        break
      } finally {
        clearTimeout(stalled)
      }
      while (this.waiting.length > 0 && !this.#isFull) {
        const next = this.waiting.shift()
        if (next) this.component.putNow(this, next)
      }
    }
    this.#isDraining = false
  }

  // --- as the connection sees it ---

  opened(): void {
    throw new StreamError('bad-format', 'A stream does not begin again after its handshake')
  }

  element(xml: Element): void {
    const isStanza = xml.name === 'message' || xml.name === 'presence' || xml.name === 'iq'
    // Some libraries write the namespace of clients, which can mean nothing else here.
    if (!isStanza || (xml.ns !== NS_COMPONENT && xml.ns !== NS_CLIENT))
      throw new StreamError('unsupported-stanza-type', `<${xml.name}/> in the namespace ${xml.ns} means nothing here`)
    this.fromComponent.take(this, inNamespace(xml, NS_COMPONENT, NS_CLIENT))
  }

  ended(): void {
    this.component.left(this)
  }
}

const TOO_SLOW = new StreamError('policy-violation', 'You read too slowly for what is sent to you')
