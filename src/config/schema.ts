/** Every key of the configuration, with its default and what it may be. config/example.yaml says the same to people. */
import { z } from 'zod'
import { RouteMistake, routeLine, routeRule } from '../core/route-rule.ts'
import { LEVELS } from '../log/log.ts'
import {
  address,
  bytes,
  dnsServer,
  domainName,
  domainPattern,
  group,
  keys,
  list,
  localAddress,
  milliseconds,
  network,
  networkOrName,
  oneOf,
  port,
  publicUrl,
  sourceAddress,
  text,
  webOrigin,
  webSocketUrl,
  whole,
  yesNo,
} from './fields.ts'

const MECHANISMS = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1', 'PLAIN'] as const
/** Spoken, but only where somebody asks for them; docs/security.md says what each costs. */
const MORE_MECHANISMS = ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-512', 'DIGEST-MD5', 'CRAM-MD5', 'LOGIN', 'EXTERNAL'] as const

/** What a route may name as a next hop. */
const pbxUri = () =>
  text('the sip: address of a PBX').transform((written, issues) => {
    try {
      const { to } = routeRule({ match: '*', to: written })
      if (to.kind === 'hop') return to.uri
      issues.addIssue({ code: 'custom', message: `must be the sip: address of a PBX, not ${written}` })
    } catch (cause) {
      if (!(cause instanceof RouteMistake)) throw cause
      issues.addIssue({ code: 'custom', message: cause.message })
    }
    return z.NEVER
  })

const domain = keys({
  name: domainName(),
  // Both or none: one file alone is a mistake somebody wants to know of.
  certificate: keys({ cert: text('the path of a PEM file'), key: text('the path of a PEM file') }).optional(),
  mechanisms: list(oneOf([...MECHANISMS, ...MORE_MECHANISMS], ['ANONYMOUS', 'OAUTHBEARER', 'GSSAPI']))
    .min(1, { error: 'must name at least one mechanism, or nobody can log in' })
    .default([...MECHANISMS]),
  // Without authorities nobody could log in by it, with those of the whole world anybody.
  clientCertificates: keys({
    authorities: list(text('the path of a PEM file')).min(1, { error: 'must name the authorities that may say who somebody is' }),
    mail: yesNo().default(false),
    accounts: list(
      keys({
        fingerprint: text('a SHA-256 fingerprint').regex(/^(?:[0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$/, {
          error: 'must be a SHA-256 fingerprint: 32 pairs of digits with colons between them',
        }),
        account: text('the name of an account, without its domain'),
      }),
    ).default([]),
  }).optional(),
  legacyLogin: yesNo().default(false),
  // RFC 7677 §4 asks for 4,096 at least; who asks for a million makes telephones' batteries pay.
  scramRounds: whole('the rounds of PBKDF2', 4_096, 1_000_000).default(10_000),
  requireTls: yesNo().default(true),
  telephones: yesNo().default(true),
  pagerType: oneOf(['chat', 'normal']).default('chat'),
  aggregate: oneOf(['most-available', 'busy-wins']).default('most-available'),
  presence: oneOf(['dialog', 'publish', 'both']).default('dialog'),
  assignedAddresses: list(localAddress()).default([]),
  pbx: keys({
    uri: pbxUri(),
    register: yesNo().default(true),
    credentials: oneOf(['login', 'stored']).default('login'),
  }).optional(),
})

const receivingListener = keys({
  port: port(),
  tls: yesNo().default(false),
  address: localAddress().optional(),
  allow: list(network()).default([]),
  deny: list(network()).default([]),
  perAddress: whole('the connections one address may have', 1, 1_000_000).default(1_000),
})

const component = keys({
  domain: domainName(),
  secret: text('the secret the component is configured with'),
  from: oneOf(['check', 'stamp']).default('check'),
  conflict: oneOf(['balance', 'replace', 'refuse']).default('balance'),
  permissions: group({
    roster: oneOf(['none', 'get', 'set', 'both']).default('none'),
    message: oneOf(['none', 'outgoing']).default('none'),
  }),
})

/** What the domains show beside what they have (XEP-0030 §4.1): an address alone, or with a node and a name. */
const discoItem = () =>
  z.preprocess(
    (written) => (typeof written === 'string' ? { jid: written } : written),
    keys({
      jid: address(),
      node: text('the name of a node').optional(),
      name: text('what people are shown').optional(),
    }),
  )

const sipListener = keys({
  transport: oneOf(['udp', 'tcp', 'tls', 'ws', 'wss']),
  port: port(),
  address: localAddress().optional(),
})

const route = () =>
  z.preprocess(
    (written, issues) => {
      if (typeof written !== 'string') return written
      try {
        return routeLine(written)
      } catch (cause) {
        return refused(cause, issues)
      }
    },
    keys({
      match: text('the addresses it is for: a domain, user@domain, with * for any characters'),
      to: text('where they go: a sip: address, a domain, user@domain or name@host._via'),
      trusted: yesNo().optional(),
      xmppData: oneOf(['header', 'base64', 'off']).optional(),
      fromGruu: yesNo().optional(),
      maxMessageBytes: bytes('1KiB', '16MiB').optional(),
    }).transform((fields, issues) => {
      try {
        return routeRule(fields)
      } catch (cause) {
        return refused(cause, issues)
      }
    }),
  )

function refused(cause: unknown, issues: z.core.$RefinementCtx): never {
  if (!(cause instanceof RouteMistake)) throw cause
  issues.addIssue({ code: 'custom', message: cause.message, path: [cause.key] })
  return z.NEVER
}

export const DEFAULT_DOMAIN = 'xmpp.example'

export const schema = group({
  domains: list(domain)
    .min(1, { error: 'must name at least one domain' })
    .prefault([{ name: DEFAULT_DOMAIN }]),
  receiving: group({
    logLevel: oneOf(LEVELS).default('major'),
    channels: whole('the connections of all listeners together (0: no listener)', 0, 1_000_000).default(5_000),
    listeners: list(receivingListener).prefault([{ port: 5222 }, { port: 5269 }, { port: 5223, tls: true }]),
    components: list(component).default([]),
    componentPassword: text('the secret of all components below the domains, or null').nullable().default(null),
    discoItems: list(discoItem()).default([]),
  }),
  sending: group({
    logLevel: oneOf(LEVELS).default('major'),
    idleTimeout: milliseconds('1s', '7d').prefault('10m'),
    sourceAddress: sourceAddress().prefault('auto'),
    useDomainAddresses: yesNo().default(false),
    encrypted: group({ domains: list(domainPattern()).default([]), whereverPossible: yesNo().default(true) }),
    trustedCertificates: list(text('the path of a PEM file')).default([]),
    commonNames: yesNo().default(true),
  }),
  sip: group({
    stack: oneOf(['embedded', 'drachtio', 'websocket']).default('embedded'),
    logLevel: oneOf(LEVELS).default('major'),
    embedded: group({
      listeners: list(sipListener).prefault([
        { transport: 'udp', port: 5060 },
        { transport: 'tcp', port: 5060 },
        { transport: 'tls', port: 5061 },
        { transport: 'ws', port: 5066 },
      ]),
    }),
    drachtio: group({
      host: text('a host name or an address').default('127.0.0.1'),
      port: whole('the admin port of a drachtio server', 1, 65_535).default(9_022),
      secret: text('the secret of a drachtio server').default('cymru'),
    }),
    websocket: group({
      url: webSocketUrl().optional(),
      maxAccounts: whole('the accounts that may be registered at the PBX', 1, 100_000).default(200),
    }),
    trusted: list(networkOrName()).default([]),
    trustedCertificates: list(text('the path of a PEM file')).default([]),
    xmppDataToPhones: yesNo().default(true),
    digest: list(oneOf(['SHA-256', 'MD5']))
      .min(1, { error: 'must name at least one algorithm, or no telephone can register' })
      .default(['MD5']),
    followRedirects: yesNo().default(true),
    telephonesPerAccount: whole('the telephones one account may register', 1, 1_000).default(10),
    acceptSips: yesNo().default(false),
    loopback: yesNo().default(false),
    timers: group({ t1: milliseconds('10ms', '10s').prefault('500ms') }),
  }),
  http: group({
    channels: whole('the connections of all its listeners together', 1, 1_000_000).default(5_000),
    listeners: list(receivingListener).prefault([{ port: 5280 }, { port: 5443, tls: true }]),
    publicUrl: publicUrl().nullable().default(null),
    trustedProxies: list(network()).default([]),
    origins: list(webOrigin()).default([]),
  }),
  routes: list(route()).default([]),
  dns: group({ servers: list(dnsServer()).default([]) }),
  secretsKeyFile: text('the path of a file').optional(),
  store: group({ sqlite: text('the path of a file').default('data/stoxgate.db') }),
  log: group({
    directory: text('the path of a directory, or null').nullable().default('logs'),
    format: oneOf(['text', 'json']).default('text'),
    level: oneOf(LEVELS).default('major'),
    maxSize: bytes('4KiB', '4GiB').prefault('64MiB'),
    maxTotal: bytes('8KiB', '1000GiB').prefault('1GiB'),
    keep: milliseconds('1d', '3650d').prefault('14d'),
  }),
})

export type Parsed = z.output<typeof schema>

/** Keys of the design that later versions bring, with `[]` for a place in a list: who has them in a file is told so, not that they are misspelt. */
export const LATER: ReadonlySet<string> = new Set([
  ...['offline', 'autoSignup', 'allowPasswordChange', 'conference', 'autoCreateRooms', 'discoRooms'].map((key) => `domains[].${key}`),
  'store.postgres',
  'cluster',
  'workers',
  'web',
])
