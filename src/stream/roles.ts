/** What a stream becomes is decided by its content namespace, not by the port it came through (RFC 6120 §4.8.2). */
import type { Element } from '../xml/element.ts'
import type { Connection } from './connection.ts'
import type { Conversation } from './conversation.ts'
import { NS_COMPONENT, NS_SERVER } from './namespaces.ts'
import { StreamError } from './stream-error.ts'

/** By content namespace. main registers what is offered. */
export type Roles = ReadonlyMap<string, (connection: Connection) => Conversation>

const NOT_OFFERED: ReadonlyMap<string, string> = new Map([
  [NS_SERVER, 'Server streams are not offered here'],
  [NS_COMPONENT, 'Component streams are not offered here'],
])

/** A connection that has not said what it is. */
export class Unidentified implements Conversation {
  constructor(
    private readonly connection: Connection,
    private readonly roles: Roles,
  ) {}

  opened(header: Element, contentNs: string): void {
    const begin = this.roles.get(contentNs)
    if (!begin) throw this.#refusal(contentNs)
    const conversation = begin(this.connection)
    this.connection.talkWith(conversation)
    conversation.opened(header, contentNs)
  }

  element(): void {
    throw new StreamError('bad-format', 'An element before the stream header')
  }

  ended(): void {}

  #refusal(contentNs: string): StreamError {
    const text = NOT_OFFERED.get(contentNs)
    if (text === undefined) return new StreamError('invalid-namespace', 'Streams here are in the namespace jabber:client')
    this.connection.header({ ns: contentNs, from: this.connection.defaultDomain })
    return new StreamError('invalid-namespace', text)
  }
}
