/** The parameters behind a value: `;name`, `;name=value`, `;name="quoted"`, with white space anywhere between (RFC 3261 §25.1 generic-param). */
import { SipSyntaxError } from './syntax-error.ts'

const TAB = 0x09
const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
const SEMICOLON = 0x3b
const EQUALS = 0x3d
const TOKEN = /^[A-Za-z0-9\-.!%*_+`'~]+$/
// Wider than token and host, as `gr` and `+sip.instance` are found outside of quotes in the wild; what would end the value stays out.
const BARE_VALUE = /^[^\s"<>,;]+$/

/** Names compare without case. A few at most, so a list in order is quicker than a map, and prints as it came. */
export class Params {
  /** name, value, name, value …, as written; '' for a name without a value. */
  readonly list: string[]

  constructor(list: string[] = []) {
    this.list = list
  }

  has(name: string): boolean {
    return this.#find(name) >= 0
  }

  /** Without its quotes; '' where it stands without a value. */
  get(name: string): string | undefined {
    const at = this.#find(name)
    return at < 0 ? undefined : unquoted(this.list[at + 1] ?? '')
  }

  /** As it is written on the wire: quoted where it is not a token. */
  set(name: string, value: string): void {
    const written = value === '' || BARE_VALUE.test(value) ? value : quoted(value)
    const at = this.#find(name)
    if (at < 0) this.list.push(name, written)
    else this.list[at + 1] = written
  }

  remove(name: string): void {
    for (let at = this.#find(name); at >= 0; at = this.#find(name)) this.list.splice(at, 2)
  }

  toString(): string {
    let text = ''
    for (let at = 0; at < this.list.length; at += 2) {
      const value = this.list[at + 1]
      text += value === '' ? `;${this.list[at]}` : `;${this.list[at]}=${value}`
    }
    return text
  }

  #find(name: string): number {
    const { list } = this
    for (let at = 0; at < list.length; at += 2) {
      const written = list[at] ?? ''
      if (written === name || (written.length === name.length && written.toLowerCase() === name)) return at
    }
    return -1
  }
}

export function skipSpace(text: string, from: number): number {
  let at = from
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c !== SPACE && c !== TAB) break
  }
  return at
}

/** The index behind the closing quote of the string that opens at `from`. */
export function skipQuoted(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === BACKSLASH) at++
    else if (c === QUOTE) return at + 1
  }
  throw new SipSyntaxError('a quoted string has no end')
}

/** The parameters that begin at `from` and fill the rest of the text. */
export function parseParams(text: string, from: number): Params {
  const list: string[] = []
  let at = skipSpace(text, from)
  while (at < text.length) {
    if (text.charCodeAt(at) !== SEMICOLON) throw new SipSyntaxError('something other than ; stands before a parameter')
    const start = skipSpace(text, at + 1)
    at = start
    while (at < text.length) {
      const c = text.charCodeAt(at)
      if (c === SEMICOLON || c === EQUALS || c === SPACE || c === TAB) break
      at++
    }
    const name = text.slice(start, at)
    if (!TOKEN.test(name)) throw new SipSyntaxError(name === '' ? 'a parameter has no name' : 'the name of a parameter is no token')
    at = skipSpace(text, at)
    if (text.charCodeAt(at) !== EQUALS) {
      list.push(name, '')
      continue
    }
    const begin = skipSpace(text, at + 1)
    if (text.charCodeAt(begin) === QUOTE) at = skipQuoted(text, begin)
    else {
      at = begin
      while (at < text.length) {
        const c = text.charCodeAt(at)
        if (c === SEMICOLON || c === SPACE || c === TAB) break
        at++
      }
      if (!BARE_VALUE.test(text.slice(begin, at))) throw new SipSyntaxError(`parameter ${name} has no proper value`)
    }
    list.push(name, text.slice(begin, at))
    at = skipSpace(text, at)
  }
  return new Params(list)
}

export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

export function unquoted(text: string): string {
  if (!text.startsWith('"')) return text
  const inner = text.slice(1, -1)
  return inner.includes('\\') ? inner.replace(/\\(.)/gs, '$1') : inner
}
