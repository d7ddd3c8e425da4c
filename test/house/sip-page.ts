/** docs/sip.md, from the code's own tables and limits. */

import { FORWARDED, IN_DIALOG_ONLY } from '../../src/core/calls.ts'
import { CONTACT_WAITING_MAX } from '../../src/core/contact-lane.ts'
import { LANE_WAITING_MAX } from '../../src/core/order.ts'
import { REGISTRAR_DEFAULTS } from '../../src/core/registrar.ts'
import { TELEPHONE_DEFAULTS } from '../../src/core/telephones.ts'
import { ACCEPTED_TYPES } from '../../src/mapping/accept.ts'
import { FROM_SIP, TO_SIP } from '../../src/mapping/error.ts'
import { LIMITS } from '../../src/mapping/limits.ts'
import { ALGORITHMS } from '../../src/sip/digest-hash.ts'
import { defaultLimits } from '../../src/sip/embedded/limits.ts'
import { defaultTimers } from '../../src/sip/embedded/timers.ts'

/** Each of these has tests of its own. */
const RFCS: readonly (readonly [number, string, string])[] = [
  [3261, 'SIP', 'transactions, registrar, digest, stateful proxy for calls'],
  [3263, 'Locating SIP servers', 'next hops of routes, with failover, also for calls'],
  [3325, 'P-Asserted-Identity', 'from trusted peers only, never to others'],
  [3327, 'Path', 'kept with a registration'],
  [3428, 'MESSAGE', 'one outstanding to each contact'],
  [3581, 'rport', ''],
  [3856, 'Presence', 'as notifier and as subscriber; a NOTIFY of a dialog every 5 s at most'],
  [3862, 'CPIM', 'read'],
  [3903, 'PUBLISH', 'what telephones publish of their account, several of them at once'],
  [4028, 'Session timers', 'as a proxy, for calls that somebody is told of'],
  [4475, 'Torture tests', 'all 49 messages get a verdict the RFC allows'],
  [5393, 'Max-Breadth', ''],
  [5626, 'Outbound', 'several flows of one telephone (`reg-id`), keep-alives by CRLF and STUN, `Flow-Timer`, 430 and 439'],
  [5627, 'GRUU', 'public ones, made from `+sip.instance`, and temporary ones'],
  [6446, 'Rates of notification', '`max-rate`, and `min-rate` down to 30 s'],
  [6665, 'Subscriptions', 'dialogs of both sides, kept over a restart'],
  [7118, 'SIP over WebSocket', ''],
  [7247, 'Addresses and errors between SIP and XMPP', 'the tables below'],
  [7572, 'Single messages between SIP and XMPP', ''],
  [7616, 'Digest', 'with RFC 8760'],
]

export function sipPage(): string {
  return `# SIP

Made from the code by \`npm run docs\`; a test holds it. How to reach telephones is in [telephones.md](telephones.md), calls in [calls.md](calls.md), where an
address goes in [routing.md](routing.md).

## Methods

| method | what becomes of it |
|---|---|
| REGISTER | the registrar of our domains; ${ALGORITHMS.join(' or ')} digest as \`sip.digest\` says; ${REGISTRAR_DEFAULTS.minExpiresSeconds} to ${REGISTRAR_DEFAULTS.maxExpiresSeconds} s, at most ${REGISTRAR_DEFAULTS.contactsMax} telephones of one account unless \`sip.telephonesPerAccount\` says another number |
| MESSAGE | a message stanza, or on to telephones; 202 where it is only accepted |
| OPTIONS | answered for domains and accounts |
| INFO | outside a dialog only from trusted peers: an iq with its answer in the response |
| ${[...FORWARDED].join(', ')} | proxied to the telephones of an account |
| ${[...IN_DIALOG_ONLY].join(', ')} | proxied inside the dialogs of such calls |

Bodies of a MESSAGE: ${ACCEPTED_TYPES.map((type) => `\`${type}\``).join(', ')}.

## RFCs

| RFC | | |
|---|---|---|
${RFCS.map(([number, name, note]) => `| [${number}](https://www.rfc-editor.org/rfc/rfc${number}) | ${name} | ${note} |`).join('\n')}

## What an XMPP error becomes

To one device (a full address), and to the whole user (a bare one).

| condition | device | user |
|---|---|---|
${Object.entries(TO_SIP)
  .map(([condition, { full, bare }]) => `| ${condition} | ${full} | ${bare} |`)
  .join('\n')}

## What a SIP status becomes

| status | condition | type |
|---|---|---|
${Object.entries(FROM_SIP)
  .map(([status, [type, condition]]) => `| ${status} | ${condition} | ${type} |`)
  .join('\n')}

A status that is not here counts as its class. No answer at all is remote-server-timeout, nobody to send to remote-server-not-found.

## Limits

| limit | value |
|---|---|
${Object.entries({
  ...limitsOf('timer', defaultTimers),
  ...limitsOf('transport', defaultLimits),
  ...limitsOf('mapping', LIMITS),
  ...limitsOf('telephone', TELEPHONE_DEFAULTS),
  ...limitsOf('registrar', REGISTRAR_DEFAULTS),
})
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}
| messages waiting for one telephone | ${grouped(CONTACT_WAITING_MAX)} |
| signals waiting in one lane | ${grouped(LANE_WAITING_MAX)} |
`
}

function limitsOf(room: string, limits: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(limits)
      .filter(([, value]) => typeof value === 'number')
      .map(([name, value]) => [`${room}: ${name}`, grouped(Number(value))]),
  )
}

const grouped = (value: number): string => value.toLocaleString('en').replaceAll(',', ' ')
