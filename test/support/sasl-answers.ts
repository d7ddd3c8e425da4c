/** What a server says in SASL, read as a test wants it: the payload, or the refusal as an error. */
import type { Element } from '../../src/xml/element.ts'
import { write } from '../../src/xml/write.ts'

export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'

/** SASL said no. */
export class Refused extends Error {
  override name = 'Refused'
  constructor(
    readonly condition: string,
    readonly text: string | undefined,
  ) {
    super(`${condition}: ${text}`)
  }
}

export function refusalIn(answer: Element): Refused {
  if (!answer.is('failure', NS_SASL)) throw new Error(`wanted a SASL failure, got ${write(answer, 'jabber:client')}`)
  return new Refused(answer.elements().find(({ name }) => name !== 'text')?.name ?? '', answer.child('text')?.text())
}

export function successIn(answer: Element): string {
  if (answer.is('success', NS_SASL)) return answer.text()
  throw refusalIn(answer)
}

export function challengeIn(answer: Element): string {
  if (answer.is('challenge', NS_SASL)) return answer.text()
  throw refusalIn(answer)
}
