/** A component for tests (XEP-0114): connects to a town, proves its name, and says what the test wants. */
import { createHash } from 'node:crypto'
import type { ComponentsHouseSettings } from '../../src/components.ts'
import type { ComponentLimits } from '../../src/stream/component/limits.ts'
import type { ComponentSettings } from '../../src/stream/component/names.ts'
import { type Element, el } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from './client.ts'
import type { Town } from './town.ts'

export const NS_COMPONENT = 'jabber:component:accept'
export const ICQ = 'icq.xmpp.example'
export const SECRET = 's3cret'

/** One component, as a configuration has it. */
export function component(more: Partial<ComponentSettings> = {}): ComponentSettings {
  return { domain: ICQ, secret: SECRET, from: 'check', conflict: 'balance', permissions: { roster: 'none', message: 'none' }, ...more }
}

/** What a town is told of it. */
export function components(more: Partial<ComponentSettings> = {}, limits: Partial<ComponentLimits> = {}): ComponentsHouseSettings {
  return { components: [component(more)], reserved: ['conference.xmpp.example'], limits }
}

/** Its header, and the id of the stream that answers it. */
export async function greet(at: Town, domain: string | undefined = ICQ): Promise<{ client: Client; id: string; header: Element }> {
  const client = at.connect()
  client.sayHeader({ to: domain, ns: NS_COMPONENT, version: '' })
  const header = await client.receiveHeader()
  return { client, id: header.attr('id') ?? '', header }
}

export function shake(client: Client, id: string, secret = SECRET): void {
  client.send(el('handshake', NS_CLIENT, {}, createHash('sha1').update(id).update(secret).digest('hex')))
}

/** Connected, and told so. */
export async function connected(at: Town, domain = ICQ, secret = SECRET): Promise<Client> {
  const { client, id } = await greet(at, domain)
  shake(client, id, secret)
  const answer = await client.receive()
  if (!answer.is('handshake', NS_COMPONENT)) throw new Error(`the handshake was answered by ${answer.name}`)
  return client
}

/** A message that says something. */
export function saying(from: string, to: string, body: string, type = 'chat'): Element {
  return el('message', NS_CLIENT, { from, to, type }, el('body', NS_CLIENT, {}, body))
}

export const bodyOf = (stanza: Element): string => stanza.child('body')?.text() ?? ''
