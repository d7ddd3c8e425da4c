/** The kinds of values a configuration has, each with the one sentence that helps who got it wrong. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { toAscii } from '../address/idna.ts'
import { Jid } from '../address/jid.ts'
import { Networks } from '../stream/networks.ts'
import { closest } from './closest.ts'
import { duration, size } from './units.ts'

/** What somebody wrote, in the words of the sentence that refuses it. */
export function described(value: unknown): string {
  if (value === undefined || value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a group of keys'
  if (typeof value === 'string') return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`
  return String(value)
}

const mustBe =
  (what: string) =>
  ({ input }: { input?: unknown }): string =>
    input === undefined ? `is missing; it must be ${what}` : `must be ${what}, not ${described(input)}`

/** A group of keys in a list, or one that may be absent as a whole. Unknown keys are told one by one, with what was meant: see mistakes.ts. */
export function keys<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.strictObject(shape, {
    error: ({ code, input }) => (code === 'unrecognized_keys' ? undefined : mustBe('a group of keys')({ input })),
  })
}

/** A group of keys that is always there. An empty one (its keys all commented out) means the defaults. */
export function group<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.preprocess((value) => value ?? {}, keys(shape)).prefault({})
}

export function list<T extends z.ZodType>(item: T) {
  return z.array(item, { error: mustBe('a list') })
}

export const yesNo = () => z.boolean({ error: mustBe('true or false') })

export const text = (what: string) => z.string({ error: mustBe(what) }).min(1, { error: mustBe(what) })

export function whole(what: string, min: number, max: number) {
  const error = mustBe(`${what}: a whole number from ${min} to ${max}`)
  return z.int({ error }).min(min, { error }).max(max, { error })
}

export const port = () => whole('a port (0: any free one)', 0, 65_535)

/** `later`: what the design has and this version has not. */
export function oneOf<const V extends readonly [string, ...string[]]>(values: V, later: readonly string[] = []) {
  return z.enum(values, {
    error: ({ input }) => {
      if (typeof input === 'string' && later.includes(input)) return `${input} is not in this version yet; there is ${values.join(', ')}`
      const meant = typeof input === 'string' ? closest(input, values) : undefined
      return `must be ${values.length === 1 ? '' : 'one of '}${values.join(', ')}, not ${described(input)}${meant === undefined ? '' : `; did you mean ${meant}?`}`
    },
  })
}

export function milliseconds(min: string, max: string) {
  return measured(`a duration from ${min} to ${max}, such as 500ms, 30s, 10m, 2h or 14d`, duration, duration(min) ?? 0, duration(max) ?? 0)
}

export function bytes(min: string, max: string) {
  return measured(`a size from ${min} to ${max}, such as 256KiB or 64MiB`, size, size(min) ?? 0, size(max) ?? 0)
}

function measured(what: string, read: (text: unknown) => number | undefined, min: number, max: number) {
  return parsed(what, (value) => {
    const number = read(value)
    return number === undefined || number < min || number > max ? undefined : number
  })
}

/** What a WebSocket is opened to. A password in it would stand in logs. */
export const webSocketUrl = () =>
  parsed('the address of a WebSocket, such as wss://pbx.example/ws, without a user or a #', (value) => {
    if (typeof value !== 'string' || !/^wss?:\/\//i.test(value) || !URL.canParse(value)) return undefined
    const { username, password, hash, hostname, href } = new URL(value)
    return username === '' && password === '' && hash === '' && hostname !== '' ? href : undefined
  })

/** Where browsers reach us. */
export const publicUrl = () =>
  parsed('the address browsers reach this server at, such as https://xmpp.example, without a query, or null', (value) => {
    if (typeof value !== 'string' || !/^https?:\/\//i.test(value) || !URL.canParse(value)) return undefined
    const { username, password, search, hash, href } = new URL(value)
    return username === '' && password === '' && hash === '' && search === '' ? href.replace(/\/$/, '') : undefined
  })

/** A page's origin, as browsers write it. */
export const webOrigin = () =>
  parsed('the origin of a page, such as https://chat.example', (value) => {
    if (typeof value !== 'string' || !/^https?:\/\//i.test(value) || !URL.canParse(value)) return undefined
    const { origin, href } = new URL(value)
    return href === `${origin}/` ? origin : undefined
  })

/** One address of this machine. */
export const localAddress = () =>
  parsed('an IP address of this machine, such as 127.0.0.1 or "::"', (value) =>
    typeof value === 'string' && isIP(value) !== 0 ? value : undefined,
  )

/** An address or a network. */
export const network = () =>
  parsed('a network, such as 192.0.2.0/24, 2001:db8::/32 or one address', (value) => {
    return typeof value === 'string' && isNetwork(value) ? value : undefined
  })

export function isNetwork(text: string): boolean {
  try {
    new Networks([text])
    return true
  } catch (cause) {
    if (cause instanceof RangeError) return false
    throw cause
  }
}

/** The same, or the name that a TLS certificate proves. */
export const networkOrName = () =>
  parsed('a network, such as 192.0.2.0/24, or the name in a TLS certificate, such as pbx.example', (value) => {
    if (typeof value !== 'string') return undefined
    return isNetwork(value) || isHostName(value) ? value.toLowerCase() : undefined
  })

// A name of numbers alone is an address that somebody mistyped.
const isHostName = (text: string): boolean =>
  /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*(?=[a-z0-9-]*[a-z])[a-z0-9-]{1,63}$/i.test(text)

/** A server that is asked for names. */
export const dnsServer = () =>
  parsed('the IP address of a DNS server, such as 192.0.2.53 or "[2001:db8::53]:5353"', (value) => {
    if (typeof value !== 'string') return undefined
    const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([\d.]+)(?::\d{1,5})?)$/.exec(value) ?? []
    return isIP(value) !== 0 || isIP(bracketed ?? '') === 6 || isIP(plain ?? '') === 4 ? value : undefined
  })

/** Domains elsewhere, with a `*` for any characters; behind a `!` those that are left out. In A-labels, as DNS has them. */
export const domainPattern = () =>
  parsed('a domain, *.domain, or one of them behind a !, such as "*.partner.example" or "!broken.example"', (value) => {
    const [, not = '', name = ''] = typeof value === 'string' ? (/^(!?)\s*(\S+)$/.exec(value.trim()) ?? []) : []
    if (name === '*') return `${not}*`
    if (name === '' || name.split('*').length > 2) return undefined
    const ascii = toAscii(name.replace('*', STAR))
    return ascii === undefined ? undefined : not + ascii.replace(STAR, '*')
  })

/** Stands for `*` while a name is brought into its form. */
const STAR = 'stoxgatestar'

/** The address other servers see, unless the system is to choose. */
export const sourceAddress = () =>
  parsed('auto, or an IP address of this machine', (value) =>
    value === 'auto' || (typeof value === 'string' && isIP(value) !== 0) ? value : undefined,
  )

/** A domain of ours, in the form the whole house compares. */
export const domainName = () =>
  parsed('a domain name, such as xmpp.example', (value) => {
    if (typeof value !== 'string') return undefined
    try {
      const jid = Jid.parse(value)
      return jid.isDomain ? jid.domain : undefined
    } catch {
      return undefined
    }
  })

/** Somebody, somewhere: a domain, an account or a device. */
export const address = () =>
  parsed('an address, such as transports.example or help@xmpp.example', (value) => {
    if (typeof value !== 'string') return undefined
    try {
      return Jid.parse(value).toString()
    } catch {
      return undefined
    }
  })

function parsed<T>(what: string, read: (value: unknown) => T | undefined) {
  return z.unknown().transform((value, issues): T => {
    const result = read(value)
    if (result !== undefined) return result
    issues.addIssue({ code: 'custom', message: mustBe(what)({ input: value }) })
    return z.NEVER
  })
}
