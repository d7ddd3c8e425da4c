/** Other servers, joined: the way to them and what waits for it, the streams they open to us, and names as the operator's DNS has them. */
import { Asking } from './account/asking.ts'
import { Awaiting } from './account/awaiting.ts'
import { Jid } from './address/jid.ts'
import { ACCEPTED } from './core/answer.ts'
import type { Core, Signal, Target, Way } from './core/port.ts'
import type { Routes } from './core/routes.ts'
import type { Log } from './log/log.ts'
import { uriFor } from './mapping/address.ts'
import type { Making } from './mapping/making.ts'
import { toSignal } from './mapping/signal.ts'
import type { Dns } from './sip/locate/dns.ts'
import { KeptAnswers } from './sip/locate/kept-answers.ts'
import { LOCATE_DEFAULTS } from './sip/locate/limits.ts'
import { inSrvOrder } from './sip/locate/srv-order.ts'
import type { SipPresence } from './sip-presence.ts'
import { errorReply, mayBeAnswered, type StanzaError } from './stanza/error.ts'
import { Stanza } from './stanza/stanza.ts'
import type { Connection } from './stream/connection.ts'
import type { Conversation } from './stream/conversation.ts'
import { STREAM_LIMITS } from './stream/limits.ts'
import { DialbackKeys, type Pair } from './stream/s2s/dialback.ts'
import type { SendingSettings } from './stream/s2s/dialling.ts'
import { WithoutTls } from './stream/s2s/encryption.ts'
import { FromServer } from './stream/s2s/from-server.ts'
import { InStream } from './stream/s2s/in-stream.ts'
import { SERVER_LIMITS, type ServerLimits } from './stream/s2s/limits.ts'
import type { Names } from './stream/s2s/places.ts'
import type { Queue } from './stream/s2s/queue.ts'
import { Queues } from './stream/s2s/queues.ts'
import { RemoteDomains } from './stream/s2s/remote-domains.ts'
import { Verifying } from './stream/s2s/verifying.ts'
import { Submission } from './stream/submit.ts'
import { tagOf } from './stream/tag.ts'
import type { Element } from './xml/element.ts'
import { XML_LIMITS } from './xml/limits.ts'

export interface FederationSettings {
  readonly sending: SendingSettings
  /** What all dialback keys are made of; the same on all nodes. */
  readonly secret: Buffer
  readonly limits?: Partial<ServerLimits>
}

export interface FederationRooms {
  /** Absent: nobody else is spoken to, and nobody else is heard. */
  readonly settings: FederationSettings | undefined
  readonly dns: Dns
  /** Our domains, by their SIP hosts. */
  readonly hosts: { has(host: string): boolean }
  /** Those of components, by their SIP hosts. */
  readonly components: { has(host: string): boolean }
  readonly core: Pick<Core, 'submit'>
  /** What is joined later than this, and asked only when somebody asks. */
  later(): {
    readonly routes: Pick<Routes, 'relayFor'>
    readonly presence: { readonly watching: Pick<SipPresence['watching'], 'subscribe'> }
  }
  readonly making: Making
  readonly log: Log
}

export interface JoinedFederation {
  readonly way: Way
  /** The role of a stream in the namespace of servers; undefined where there is none. */
  readonly role: ((connection: Connection) => Conversation) | undefined
  readonly status: readonly (readonly [string, string])[]
  change(sending: SendingSettings): void
  stop(): void
}

const NOBODY_ELSE: JoinedFederation = {
  way: { name: 'other servers', targetFor: (): Target | undefined => undefined },
  role: undefined,
  status: [],
  change: () => {},
  stop: () => {},
}

export function joinFederation(rooms: FederationRooms): JoinedFederation {
  const { settings, hosts, components, core, later, making, log } = rooms
  if (!settings) return NOBODY_ELSE
  let { sending } = settings
  const limits = { ...SERVER_LIMITS, ...settings.limits }
  const now = (): number => making.now().getTime()
  const outLog = log.tagged('XMPPO')
  let number = 0

  const keys = new DialbackKeys(settings.secret, now)
  const asking = new Asking(ACCEPTED, (reply) => core.submit(toSignal(reply, making)))
  const awaiting = new Awaiting()
  const queues = new Queues({
    names: namesOf(rooms.dns, now),
    keys,
    withoutTls: new WithoutTls(limits, now),
    limits,
    xml: { ...XML_LIMITS, stanzaMaxBytes: STREAM_LIMITS.strangerStanzaMaxBytes },
    settings: () => sending,
    logFor: ({ host, port }) => log.tagged(tagOf('XMPPO', ++number, { address: host.replace(/^\[(.*)\]$/, '$1'), port })),
    log: outLog,
    returned: (queue, xml, error) => returned(queue, xml, error, { core, asking, making, log: outLog }),
  })
  const speaksFor = (domain: string): boolean => {
    const { host } = uriFor(Jid.parse(domain))
    return hosts.has(host) || components.has(host)
  }
  const queueFor = (pair: Pair): Queue => queues.of(pair, later().routes.relayFor(uriFor(Jid.parse(pair.to))))
  const fromServer = new FromServer({
    submission: new Submission(core, making, log.tagged('XMPPI')),
    asking,
    awaiting,
    queueFor,
    log: log.tagged('XMPPI'),
  })
  const inRooms = {
    speaksFor,
    keys,
    fromServer,
    queueFor,
    verifying: new Verifying(limits),
    limits,
    countsCommonNames: () => sending.commonNames,
  }
  return {
    way: new RemoteDomains({
      queues,
      asking,
      awaiting,
      speaksFor,
      relayFor: (address) => later().routes.relayFor(address),
      watchers: { subscribe: (signal: Signal) => later().presence.watching.subscribe(signal) },
      making,
      log: outLog,
    }),
    role: (connection) => new InStream(connection, inRooms),
    get status() {
      return queues.status
    },
    change(next) {
      sending = next
    },
    stop() {
      queues.stop()
      asking.stop()
      awaiting.stop()
    },
  }
}

/** Answers of DNS are kept: one question for all pairs that ask meanwhile. */
function namesOf(dns: Dns, now: () => number): Names {
  const srv = new KeptAnswers((name) => dns.srv(name), LOCATE_DEFAULTS, now)
  const addresses = new KeptAnswers((name) => dns.addresses(name), LOCATE_DEFAULTS, now)
  return {
    srv: (name) => srv.of(name),
    addresses: (name) => addresses.of(name),
    ordered: (records) => inSrvOrder(records, Math.random),
  }
}

interface ReturnRooms {
  readonly core: Pick<Core, 'submit'>
  readonly asking: Asking
  readonly making: Making
  readonly log: Log
}

/** What was taken and could not be delivered: whoever asked is answered, whoever sent a message is told by an error of its own. */
function returned(queue: Queue, xml: Element, error: StanzaError, { core, asking, making, log }: ReturnRooms): void {
  const [from, to] = [Jid.parse(xml.attr('from') ?? ''), Jid.parse(xml.attr('to') ?? '')]
  const stanza = new Stanza(xml, from, to)
  const reply = mayBeAnswered(stanza) ? new Stanza(errorReply(stanza, error), to, from) : undefined
  const isTold = reply && (stanza.kind === 'iq' ? asking.answered(queue, reply) : stanza.kind === 'message')
  log.problem({ what: 'stanza_returned', kind: stanza.kind, from: from.toString(), to: to.toString(), why: error.condition, isTold })
  // A presence is said again when there is somebody to hear it.
  if (reply && stanza.kind === 'message') core.submit(toSignal(reply, making))
}
