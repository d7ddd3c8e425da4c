/** Prefixes and what they stand for at one place of a document: Namespaces in XML 1.0 §3, §5 and §6. */
import { NS_XML } from './element.ts'
import { malformed, XmlError } from './xml-error.ts'

const NS_XMLNS = 'http://www.w3.org/2000/xmlns/'

/** One `xmlns:prefix='…'`, and those that surround it. */
export class Binding {
  /** How many this one and those around it are. */
  readonly count: number

  constructor(
    readonly prefix: string,
    readonly ns: string,
    readonly outer: Binding | undefined,
  ) {
    this.count = outer === undefined ? 1 : outer.count + 1
  }
}

export function boundTo(prefix: string, bindings: Binding | undefined): string | undefined {
  for (let b = bindings; b !== undefined; b = b.outer) if (b.prefix === prefix) return b.ns
  return prefix === 'xml' ? NS_XML : undefined
}

export function namespaceFor(prefix: string, bindings: Binding | undefined): string {
  const ns = boundTo(prefix, bindings)
  if (ns === undefined) throw malformed(`The prefix ${prefix} is not declared`)
  return ns
}

/** Adds what a tag declares; `around` is what held where that tag began. */
export function bind(prefix: string, ns: string, inner: Binding | undefined, around: Binding | undefined, max: number): Binding {
  if (ns === '') throw malformed(`xmlns:${prefix} has no value`)
  if (prefix === 'xmlns') throw malformed('The prefix xmlns cannot be declared')
  if ((prefix === 'xml') !== (ns === NS_XML)) throw malformed('The prefix xml and its namespace belong to each other alone')
  if (ns === NS_XMLNS) throw malformed('The namespace of xmlns cannot be declared')
  for (let b = inner; b !== undefined && b !== around; b = b.outer)
    if (b.prefix === prefix) throw malformed(`xmlns:${prefix} stands twice in one tag`)
  const binding = new Binding(prefix, ns, inner)
  if (binding.count > max) throw new XmlError('policy-violation', `More than ${max} namespace prefixes in scope`)
  return binding
}

export function checkDefault(ns: string): void {
  if (ns === NS_XML || ns === NS_XMLNS) throw malformed('A default namespace that belongs to XML itself')
}
