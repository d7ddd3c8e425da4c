/** What a telephone says of itself (RFC 3261 §20, RFC 3840), in the words of service discovery: its software (XEP-0232) and its abilities, as forms (XEP-0128). */
import type { Traits } from '../core/traits.ts'
import { oneLine } from '../mapping/header-text.ts'
import { xmlText } from '../mapping/xml-text.ts'
import { type Element, el } from '../xml/element.ts'

const NS_DATA = 'jabber:x:data'
const NS_SOFTWARE = 'urn:xmpp:dataforms:softwareinfo'
/** The names of its fields are the tags of that RFC, which are those of SIP: `sip.audio`, `sip.methods`. */
const NS_TAGS = 'urn:ietf:rfc:3840'

/** User-Agent begins with the product (RFC 3261 §20.41): `baresip v1.0.0 (x86_64/linux)`, `Linphonec/5.1.65`. */
const PRODUCT = /^([^\s/()]+)(?:[\s/]+v?([0-9][^\s();,]*))?/

export interface Product {
  readonly name: string
  readonly version: string | undefined
}

export function productOf({ software }: Traits): Product | undefined {
  const text = software === undefined ? '' : shown(software)
  if (text === '') return undefined
  const [, name, version] = PRODUCT.exec(text) ?? []
  // What cannot be taken apart is a name: `a telephone of mine`.
  return name === undefined || (version === undefined && text.includes(' ')) ? { name: text, version: undefined } : { name, version }
}

export function formsOf(traits: Traits): readonly Element[] {
  const product = productOf(traits)
  const software =
    product &&
    form(NS_SOFTWARE, [['software', [product.name]], ...(product.version ? [['software_version', [product.version]] as const] : [])])
  const { methods, types, tags } = traits
  const fields: (readonly [string, readonly string[]])[] = []
  for (const [name, value] of tags ?? []) if (name !== 'methods' && name !== 'type') fields.push([tagOf(name), value.split(',')])
  if (methods) fields.push([tagOf('methods'), methods])
  const media = types ?? tags?.get('type')?.split(',')
  if (media) fields.push([tagOf('type'), media])
  const abilities = fields.length === 0 ? undefined : form(NS_TAGS, fields)
  return [software, abilities].filter((one) => one !== undefined)
}

/** RFC 3840 §10: two of the base set are older than SIP's own tree. */
const tagOf = (name: string): string => (name === 'language' || name === 'type' ? name : `sip.${name}`)

/** XEP-0128 §3: the fields in any order; sorted here, so that the same telephone always says the same. */
function form(type: string, fields: readonly (readonly [string, readonly string[]])[]): Element {
  const sorted = fields.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return el(
    'x',
    NS_DATA,
    { type: 'result' },
    el('field', NS_DATA, { var: 'FORM_TYPE', type: 'hidden' }, el('value', NS_DATA, {}, type)),
    ...sorted.map(([name, values]) =>
      el('field', NS_DATA, { var: name }, ...values.map((value) => el('value', NS_DATA, {}, shown(value)))),
    ),
  )
}

const shown = (text: string): string => oneLine(xmlText(text))
