/** Parameters and headers of a SIP URI (RFC 3261 §19.1.1, §19.1.4). */
import { alphabet, percentEncoded } from './percent.ts'
import { decoded, SipUriError } from './sip-uri-error.ts'

/** A parameter or header: name and value decoded; names of parameters in lower case. */
export interface SipUriField {
  readonly name: string
  readonly value: string | undefined
}

export const NO_FIELDS: readonly SipUriField[] = []

/** RFC 3261 §25.1: what stands for itself. */
const PARAMETER = alphabet('[]/:&+$')
const HEADER = alphabet('[]/?:+$')

/** Present on one side only, these keep two URIs apart; transport as the RFC's own examples have it. All others are ignored then. */
const ALWAYS_COMPARED = new Set(['user', 'ttl', 'method', 'maddr', 'transport'])

export function parsedParams(text: string): readonly SipUriField[] {
  const list: SipUriField[] = []
  for (const field of text.split(';')) {
    const equals = field.indexOf('=')
    const name = named(equals < 0 ? field : field.slice(0, equals), 'parameter').toLowerCase()
    // An empty value is not in the grammar; it is read as none.
    const value = equals < 0 || equals === field.length - 1 ? undefined : decoded(field.slice(equals + 1), 'parameter')
    list.push({ name, value })
  }
  return list
}

export function parsedHeaders(text: string): readonly SipUriField[] {
  const list: SipUriField[] = []
  for (const field of text.split('&')) {
    const equals = field.indexOf('=')
    const name = named(equals < 0 ? field : field.slice(0, equals), 'header')
    list.push({ name, value: equals < 0 ? '' : decoded(field.slice(equals + 1), 'header') })
  }
  return list
}

function named(text: string, what: string): string {
  if (text === '') throw new SipUriError(`A ${what} has no name`)
  return decoded(text, what)
}

export function printedParams(params: readonly SipUriField[]): string {
  let text = ''
  for (const { name, value } of params) {
    text += `;${percentEncoded(name, PARAMETER)}`
    if (value !== undefined) text += `=${percentEncoded(value, PARAMETER)}`
  }
  return text
}

export function printedHeaders(headers: readonly SipUriField[]): string {
  let text = ''
  for (const { name, value } of headers) {
    text += `${text === '' ? '?' : '&'}${percentEncoded(name, HEADER)}=${percentEncoded(value ?? '', HEADER)}`
  }
  return text
}

/** In any order. */
export function sameParams(a: readonly SipUriField[], b: readonly SipUriField[]): boolean {
  return paramsAgree(a, b) && paramsAgree(b, a)
}

function paramsAgree(mine: readonly SipUriField[], others: readonly SipUriField[]): boolean {
  for (const { name, value } of mine) {
    const other = others.find((param) => param.name === name)
    if (other === undefined ? ALWAYS_COMPARED.has(name) : value?.toLowerCase() !== other.value?.toLowerCase()) return false
  }
  return true
}

/** Headers are never ignored: the same ones on both sides, in any order. */
export function sameHeaders(a: readonly SipUriField[], b: readonly SipUriField[]): boolean {
  return a.length === b.length && sorted(a).join('&') === sorted(b).join('&')
}

function sorted(headers: readonly SipUriField[]): string[] {
  return headers.map(({ name, value }) => printedHeaders([{ name: name.toLowerCase(), value }])).sort()
}
