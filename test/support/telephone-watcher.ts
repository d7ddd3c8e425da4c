/** A registered telephone that watches and publishes: SUBSCRIBE and PUBLISH with its password, and what it is told. */
import type { SipRequest, SipResponse } from '../../src/sip/message.ts'
import type { Element } from '../../src/xml/element.ts'
import type { Client } from './client.ts'
import type { Phone } from './phone.ts'
import { PIDF, pidf } from './presence-agent.ts'

export function subscribe(phone: Phone, whom: string, event = 'presence'): Promise<SipResponse> {
  const headers = [
    ['Event', event],
    ['Expires', '3600'],
    ['Contact', `<${phone.contact}>`],
  ] as const
  return phone.request('SUBSCRIBE', whom, { headers })
}

/** Its own state; `tag` names the publication that this refreshes, changes or, with no time left, takes back. */
export function publish(phone: Phone, body: string, tag?: string, expires = 3_600): Promise<SipResponse> {
  const content = body === '' ? {} : { contentType: PIDF, body }
  const headers = new Map([
    ['Event', 'presence'],
    ['Expires', String(expires)],
  ])
  if (tag !== undefined) headers.set('SIP-If-Match', tag)
  return phone.request('PUBLISH', phone.aor, { headers: [...headers], ...content })
}

/** One open tuple with a note, and what else stands in its status. */
export const noted = (phone: Phone, note: string, basic: 'open' | 'closed' = 'open'): string =>
  pidf(phone.aor, { id: 'tuple', basic, note })

/** The next NOTIFY of a package that satisfies the test. */
export async function notified(phone: Phone, event: string, wants: (body: string, notify: SipRequest) => boolean): Promise<SipRequest> {
  for (;;) {
    const request = await phone.received()
    if (request.method !== 'NOTIFY' || !request.headers.get('Event')?.startsWith(event)) continue
    if (wants(request.body.toString(), request)) return request
  }
}

/** The next presence from there; what else comes is passed by. */
export async function presenceFrom(client: Client, from: string): Promise<Element> {
  for (;;) {
    const stanza = await client.receive()
    if (stanza.name === 'presence' && stanza.attr('from')?.startsWith(from)) return stanza
  }
}

/** Type or availability, show and text, as a client would print it. */
export function shown(stanza: Element): string {
  const parts = [stanza.attr('type') ?? 'available', stanza.child('show')?.text(), stanza.child('status')?.text()]
  return parts.filter(Boolean).join(' · ')
}
