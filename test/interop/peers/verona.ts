/** Juliet, romeo and romeo's telephones on one gateway, for what they see of each other. */
import { Baresip } from './baresip.ts'
import { Gateway } from './gateway.ts'
import { Linphonec } from './linphonec.ts'
import { slixmpp } from './slixmpp.ts'
import type { XmppPeer } from './xmpp-peer.ts'

export const ROMEO = 'romeo@xmpp.example'
export const JULIET = 'juliet@xmpp.example'

const ending: (() => Promise<unknown>)[] = []

/** For afterEach: everything that was started ends, last first. */
export async function leaveAll(): Promise<void> {
  for (const end of ending.splice(0).toReversed()) await end()
}

/** It ends with `leaveAll`. */
export function keep(end: () => Promise<unknown>): void {
  ending.push(end)
}

/** A gateway with both accounts. */
export async function house(): Promise<Gateway> {
  const gateway = await Gateway.start()
  ending.push(() => gateway.stop())
  await gateway.add('juliet', 'romeo')
  return gateway
}

/** Logged in by slixmpp, told of changes to its list. */
export async function client(gateway: Gateway, user: string, resource = 'balcony'): Promise<XmppPeer> {
  const peer = slixmpp({ ...gateway.login(user, resource), roster: true })
  ending.push(() => peer.leave())
  await peer.online()
  return peer
}

const phones = {
  baresip: (gateway: Gateway, transport: 'udp' | 'tcp', watches: boolean) =>
    Baresip.start({
      ...gateway.line('romeo', transport),
      contact: `sip:${JULIET}`,
      certificate: gateway.certificate,
      publishes: true,
      watches,
    }),
  linphonec: (gateway: Gateway, transport: 'udp' | 'tcp', watches: boolean) =>
    Linphonec.start({ ...gateway.line('romeo', transport), contact: `sip:${JULIET}`, publishes: true, watches }),
} as const

/** Romeo's, registered here; `watches`: juliet. */
export async function telephone<Make extends keyof typeof phones>(
  make: Make,
  gateway: Gateway,
  { transport = 'udp', watches = false }: { readonly transport?: 'udp' | 'tcp'; readonly watches?: boolean } = {},
): Promise<Awaited<ReturnType<(typeof phones)[Make]>>> {
  const phone = (await phones[make](gateway, transport, watches)) as Awaited<ReturnType<(typeof phones)[Make]>>
  ending.push(() => phone.stop())
  await phone.registered()
  if (phone instanceof Baresip) await phone.isThere(true)
  return phone
}

/** Each has the other in the list of contacts. */
export async function befriended(juliet: XmppPeer, romeo: XmppPeer): Promise<void> {
  juliet.shows({ to: ROMEO, type: 'subscribe' })
  await romeo.sees(JULIET, 'subscribe')
  romeo.shows({ to: JULIET, type: 'subscribed' })
  romeo.shows({ to: JULIET, type: 'subscribe' })
  await juliet.sees(ROMEO, 'subscribe')
  juliet.shows({ to: ROMEO, type: 'subscribed' })
  await juliet.lists(ROMEO, 'both')
  await romeo.lists(JULIET, 'both')
}
