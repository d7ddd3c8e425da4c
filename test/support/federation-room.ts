/** Our half of federation alone: what is sent to other servers, with a core that keeps what comes back. */
import { Jid } from '../../src/address/jid.ts'
import { OK } from '../../src/core/answer.ts'
import type { Answer, Signal } from '../../src/core/port.ts'
import { type JoinedFederation, joinFederation } from '../../src/federation.ts'
import { toSignal } from '../../src/mapping/signal.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import type { Dns, Srv } from '../../src/sip/locate/dns.ts'
import { Stanza } from '../../src/stanza/stanza.ts'
import type { SendingSettings } from '../../src/stream/s2s/dialling.ts'
import { EncryptionPolicy, type EncryptionSettings } from '../../src/stream/s2s/encryption.ts'
import type { ServerLimits } from '../../src/stream/s2s/limits.ts'
import type { Relay } from '../../src/stream/s2s/places.ts'
import type { Element } from '../../src/xml/element.ts'
import { Heard } from './heard.ts'
import { MAKING } from './making.ts'

export const OURS = 'verona.example'
export const THEIRS = 'mantua.example'

export interface FederationOptions {
  readonly encrypted?: EncryptionSettings
  readonly authorities?: readonly string[]
  readonly identity?: { readonly cert: string; readonly key: string }
  readonly limits?: Partial<ServerLimits>
  readonly idleMs?: number
  readonly commonNames?: boolean
  /** By the name that is asked for. */
  readonly srv?: Readonly<Record<string, readonly Srv[]>>
  readonly addresses?: (name: string) => readonly string[]
  readonly relay?: Relay
}

export interface FederationRoom {
  readonly federation: JoinedFederation
  readonly heard: Heard
  /** What came into the core. */
  readonly submitted: Stanza[]
  /** A stanza of one of our users on its way out. */
  send(xml: Element): Promise<Answer>
  /** Resolves when so much has come into the core. */
  until(count: number): Promise<void>
}

/** `port`: where the servers of mantua.example listen, all on 127.0.0.1. */
export function federationTo(port: number, options: FederationOptions = {}): FederationRoom {
  const heard = new Heard()
  const submitted: Stanza[] = []
  const waiting: { readonly count: number; readonly tell: () => void }[] = []
  const srv = options.srv ?? { [`_xmpp-server._tcp.${THEIRS}`]: [{ priority: 0, weight: 0, port, name: 'host.test' }] }
  const dns: Dns = {
    naptr: async () => ({ records: [], ttl: 60 }),
    srv: async (name) => ({ records: srv[name] ?? [], ttl: 60 }),
    addresses: async (name) => ({ records: options.addresses?.(name) ?? (name === 'host.test' ? ['127.0.0.1'] : []), ttl: 60 }),
  }
  const sending: SendingSettings = {
    idleMs: options.idleMs ?? 600_000,
    policy: new EncryptionPolicy(options.encrypted ?? { domains: [], whereverPossible: true }),
    commonNames: options.commonNames ?? true,
    authorities: options.authorities,
    sourceAddressFor: () => undefined,
    identityFor: () => options.identity,
  }
  const federation = joinFederation({
    settings: { sending, secret: Buffer.alloc(32, 7), ...(options.limits ? { limits: options.limits } : {}) },
    dns,
    hosts: new Set([OURS]),
    components: new Set(),
    core: {
      submit(signal: Signal) {
        submitted.push(toStanza(signal, MAKING))
        for (const { count, tell } of waiting) if (submitted.length >= count) tell()
        return OK
      },
    },
    later: () => ({ routes: { relayFor: () => options.relay }, presence: { watching: { subscribe: () => OK } } }),
    making: { ...MAKING, now: () => new Date() },
    log: heard.log,
  })
  return {
    federation,
    heard,
    submitted,
    async send(xml) {
      const stanza = new Stanza(xml, Jid.parse(xml.attr('from') ?? ''), Jid.parse(xml.attr('to') ?? ''))
      const signal = toSignal(stanza, MAKING)
      const delivery = federation.way.targetFor(signal)?.deliver(signal)
      if (delivery === undefined) throw new Error('there is no way')
      if ('taken' in delivery) return (await delivery.taken).answer
      return delivery
    },
    until: (count) => (submitted.length >= count ? Promise.resolve() : new Promise((tell) => waiting.push({ count, tell }))),
  }
}
