/** Clients that keep a roster and hear of each other's presence. */
import { type Element, el, type Node } from '../../src/xml/element.ts'
import { type Client, NS_CLIENT } from './client.ts'
import type { Town } from './town.ts'

const NS_ROSTER = 'jabber:iq:roster'
let asked = 0

export const presence = (attrs: Readonly<Record<string, string | undefined>>, ...content: Node[]): Element =>
  el('presence', NS_CLIENT, attrs, ...content)

export const query = (type: 'get' | 'set', attrs: Readonly<Record<string, string>> = {}, ...items: Element[]): Element =>
  el('iq', NS_CLIENT, { type, id: `roster-${++asked}` }, el('query', NS_ROSTER, attrs, ...items))

export const rosterSet = (attrs: Readonly<Record<string, string>>, ...groups: readonly string[]): Element =>
  query('set', {}, el('item', NS_ROSTER, attrs, ...groups.map((group) => el('group', NS_ROSTER, {}, group))))

/** What a push says of its contact. */
export function rosterPush(iq: Element): Readonly<Record<string, string>> {
  const item = iq.child('query', NS_ROSTER)?.child('item')
  if (iq.attr('type') !== 'set' || !item) throw new Error(`this is no push but <${iq.name} type='${iq.attr('type')}'/>`)
  const pairs: [string, string][] = []
  for (let i = 0; i < item.attrs.length; i += 2) pairs.push([item.attrs[i] ?? '', item.attrs[i + 1] ?? ''])
  return Object.fromEntries(pairs)
}

/** A client that has asked for its roster, is there, and has heard all that follows from it. */
export async function online(town: Town, local: string, resource: string, ...content: Node[]): Promise<Client> {
  const client = await town.silentClient(local, resource)
  client.send(query('get'))
  client.send(presence({}, ...content))
  await settled(client)
  return client
}

/** All that has come until now: what the gateway had to do is done when two pings in a row are answered. */
export async function settled(client: Client): Promise<readonly Element[]> {
  const heard: Element[] = []
  for (let i = 0; i < 2; i++) {
    const id = `settled-${++asked}`
    client.send(el('iq', NS_CLIENT, { type: 'get', id }, el('ping', 'urn:xmpp:ping')))
    for (let xml = await client.receive(); xml.attr('id') !== id; xml = await client.receive()) heard.push(xml)
  }
  return heard
}

/** Two who see each other, each with one client called `home` that has heard everything. */
export async function befriend(
  town: Town,
  a: string,
  b: string,
): Promise<Readonly<Record<string, Client>> & { readonly romeo: Client; readonly juliet: Client }> {
  const one = await online(town, a, 'home')
  const other = await online(town, b, 'home')
  for (const [asking, asked, from, to] of [
    [one, other, a, b],
    [other, one, b, a],
  ] as const) {
    asking.send(presence({ type: 'subscribe', to: `${to}@xmpp.example` }))
    await settled(asking)
    asked.send(presence({ type: 'subscribed', to: `${from}@xmpp.example` }))
    await settled(asked)
    await settled(asking)
  }
  await settled(one)
  await settled(other)
  return { romeo: one, juliet: other, [a]: one, [b]: other }
}
