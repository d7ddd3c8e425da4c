/** Somebody at the door of a mechanism, for tests of mechanisms alone. */
import { type ScramHash, scramKeys } from '../../src/account/credentials.ts'
import { Jid } from '../../src/address/jid.ts'
import type { Credentials, ScramKeys } from '../../src/store/port.ts'
import { SaslError } from '../../src/stream/sasl/error.ts'
import type { ChannelBinding, Exchange, Login, Turn } from '../../src/stream/sasl/mechanism.ts'

export const JID = Jid.parse('user@xmpp.example')
export const EXPORTED = Buffer.from('what both ends of the channel know')
export const BINDING: ChannelBinding = { types: ['tls-exporter'], data: (type) => (type === 'tls-exporter' ? EXPORTED : undefined) }

/** Somebody at the door: `user` with the password pencil, as in the RFCs. */
export function visitor(
  credentials: Credentials,
  options: {
    genuine?: boolean
    domain?: string
    certified?: readonly string[]
    password?: string
    binding?: ChannelBinding
    plusOffered?: boolean
  } = {},
): Login & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    certified: (options.certified ?? []).map((one) => Jid.parse(one)),
    domain: options.domain ?? 'xmpp.example',
    keysOf: ({ credentials: { scram } }, hash) => scram[hash] ?? empty,
    digestMd5: ({ credentials }) => credentials.digestMd5 ?? Buffer.alloc(16),
    password: async () => options.password ?? 'pencil',
    binding: options.binding,
    plusOffered: options.plusOffered ?? false,
    claim: async (user) => {
      asked.push(user)
      return { jid: JID, credentials, genuine: options.genuine ?? true }
    },
    verify: async (_, password) => password === 'pencil',
  }
}

const empty: ScramKeys = { salt: Buffer.alloc(1), iterations: 1, storedKey: Buffer.alloc(1), serverKey: Buffer.alloc(1) }
export const credentialsOf = async (hash: ScramHash, salt: string, password = 'pencil'): Promise<Credentials> => {
  const keys = await scramKeys(hash, password, Buffer.from(salt, 'base64'), 4096)
  return { scram: { 'SHA-1': empty, 'SHA-256': empty, [hash]: keys } }
}

export const said = (turn: Turn): string => `${turn.kind}: ${turn.kind === 'challenge' || turn.data ? turn.data : ''}`
export const hears = (exchange: Exchange, text: string): Promise<Turn> => Promise.resolve().then(() => exchange.take(Buffer.from(text)))
export const refusal = async (turn: Promise<Turn>): Promise<string> => {
  const cause: unknown = await turn.then(said, (error: unknown) => error)
  if (!(cause instanceof SaslError)) throw new Error(`not refused: ${cause}`)
  return cause.condition
}
