/** The client's two messages of SCRAM, read strictly (RFC 5802 §7). */
import { SaslError } from './error.ts'

export type BindingFlag = { readonly kind: 'none' } | { readonly kind: 'not-seen' } | { readonly kind: 'bound'; readonly type: string }

export interface ClientFirst {
  readonly flag: BindingFlag
  /** As sent, to be held against `c=` of the last message. */
  readonly gs2Header: string
  readonly authzid: string
  /** Unescaped, not yet prepared. */
  readonly user: string
  readonly nonce: string
  /** What both signatures are made over. */
  readonly bare: string
}

export interface ClientFinal {
  readonly binding: Buffer
  readonly nonce: string
  readonly proof: Buffer
  readonly withoutProof: string
}

// gs2-cbind-flag "," [ "a=" saslname ] "," then everything else
const GS2 = /^(?:(n|y)|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,/
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/
const EXTENSION = /^[A-Za-z]=[^\0]+$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

export function clientFirst(text: string): ClientFirst {
  const gs2 = GS2.exec(text)
  if (!gs2) throw malformed('The first message has no GS2 header')
  const gs2Header = gs2[0]
  const bare = text.slice(gs2Header.length)
  if (bare.startsWith('m=')) throw malformed('A mandatory extension is asked for that nobody has defined')
  const [name, nonce, ...extensions] = bare.split(',')
  if (!name?.startsWith('n=')) throw malformed('The first message has no user name')
  if (!nonce?.startsWith('r=') || !NONCE.test(nonce.slice(2))) throw malformed('The first message has no nonce')
  if (!extensions.every((extension) => EXTENSION.test(extension))) throw malformed('An extension is not an attribute with a value')
  return {
    flag: flagOf(gs2[1], gs2[2]),
    gs2Header,
    authzid: gs2[3] === undefined ? '' : saslname(gs2[3]),
    user: saslname(name.slice(2)),
    nonce: nonce.slice(2),
    bare,
  }
}

export function clientFinal(text: string): ClientFinal {
  const cut = text.lastIndexOf(',p=')
  if (cut < 0) throw malformed('The last message has no proof')
  const withoutProof = text.slice(0, cut)
  const [binding, nonce, ...extensions] = withoutProof.split(',')
  if (!binding?.startsWith('c=')) throw malformed('The last message has no channel binding')
  if (!nonce?.startsWith('r=')) throw malformed('The last message has no nonce')
  if (!extensions.every((extension) => EXTENSION.test(extension))) throw malformed('An extension is not an attribute with a value')
  return { binding: bytes(binding.slice(2)), nonce: nonce.slice(2), proof: bytes(text.slice(cut + 3)), withoutProof }
}

function flagOf(letter: string | undefined, type: string | undefined): BindingFlag {
  if (type !== undefined) return { kind: 'bound', type }
  return { kind: letter === 'y' ? 'not-seen' : 'none' }
}

/** `=2C` and `=3D` stand for comma and equals sign; any other `=`, and NUL, fails the exchange (RFC 5802 §5.1). */
function saslname(text: string): string {
  if (text === '' || text.includes('\0') || /=(?!2C|3D)/.test(text)) throw malformed('A name is empty or badly escaped')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function bytes(base64: string): Buffer {
  if (!BASE64.test(base64)) throw malformed('A value is not base64')
  return Buffer.from(base64, 'base64')
}

const malformed = (text: string): SaslError => new SaslError('malformed-request', text)
