/** All sessions over BOSH by their ids, and what their requests have to be before they reach one (XEP-0124 §7, §17). */
import { randomUUID } from 'node:crypto'
import type { Element } from '../../xml/element.ts'
import { XmlError } from '../../xml/xml-error.ts'
import type { Protection } from '../framing.ts'
import type { Enter } from '../listener.ts'
import type { Remote } from '../tag.ts'
import type { Reply } from './answers.ts'
import { type Condition, numberIn, readBody, terminating } from './body.ts'
import type { BoshLimits } from './limits.ts'
import { BoshSession } from './session.ts'

export interface BoshCaller {
  readonly remote: Remote
  readonly enter: Enter
  readonly protection: Protection | undefined
}

interface Known {
  readonly session: BoshSession
  readonly isSecure: boolean
}

export class BoshSessions {
  readonly #sessions = new Map<string, Known>()

  constructor(
    private readonly limits: BoshLimits,
    /** Of the request that begins a session. */
    private readonly strangerMaxBytes: number,
  ) {}

  get count(): number {
    return this.#sessions.size
  }

  take(bytes: Buffer, caller: BoshCaller, reply: Reply): void {
    const body = this.#body(bytes, reply)
    if (!body) return
    const rid = numberIn(body.attr('rid'))
    if (rid === undefined || rid === 0) return refuse(reply, 'bad-request')
    const sid = body.attr('sid')
    if (sid === undefined) return this.#begin(rid, { body, bytes, reply }, caller)
    const known = this.#sessions.get(sid)
    // §15: a session that began under TLS is not continued in the clear.
    if (!known || (known.isSecure && !caller.protection)) return refuse(reply, 'item-not-found')
    if (bytes.length > known.session.bodyMaxBytes) return refuse(reply, 'policy-violation')
    known.session.take(rid, { body, bytes, reply })
  }

  #begin(rid: number, request: { body: Element; bytes: Buffer; reply: Reply }, { remote, enter, protection }: BoshCaller): void {
    if (request.bytes.length > this.strangerMaxBytes) return refuse(request.reply, 'policy-violation')
    const id = randomUUID() // §15.1: nobody can guess it
    const session = new BoshSession(id, request.body, rid, this.limits)
    this.#sessions.set(id, { session, isSecure: protection !== undefined })
    session.once('close', () => this.#sessions.delete(id))
    enter(session, remote, false, { framing: session, protection })
    session.take(rid, request)
  }

  #body(bytes: Buffer, reply: Reply): Element | undefined {
    try {
      return readBody(bytes.toString(), this.limits.bodyMaxBytes)
    } catch (cause) {
      if (!(cause instanceof XmlError)) throw cause
      refuse(reply, cause.condition === 'policy-violation' ? 'policy-violation' : 'bad-request')
      return undefined
    }
  }
}

function refuse(reply: Reply, condition: Condition): void {
  reply.send(terminating(condition), () => {})
}
