/** What a certificate says whose it is (RFC 6120 §13.7.1.2, RFC 6125, XEP-0178): dNSName, SRVName, XmppAddr; and, where the operator lets it count, the CN of one without them. */

import type { X509Certificate } from 'node:crypto'
import { toAscii } from '../../address/idna.ts'
import { type Field, field } from '../der.ts'

/** id-on-dnsSRV (RFC 4985) and id-on-xmppAddr (RFC 6120 §13.7.1.4), as DER has them. */
const SRV_NAME = '2b06010505070807'
const XMPP_ADDR = '2b06010505070805'
const SUBJECT_ALT_NAME = '551d11'
const SRV_SERVICES = ['_xmpp-server.', '_xmpps-server.']
/** Tags of GeneralName (RFC 5280 §4.2.1.6). */
const OTHER_NAME = 0xa0
const DNS_NAME = 0x82

/** Whether it is for this domain, given as A-labels or as an address. */
export function isFor(certificate: X509Certificate, domain: string, countsCommonName: boolean): boolean {
  const names = namesIn(certificate.raw)
  if (names.length > 0) return names.some((name) => matches(name, domain))
  const commonName = /^CN=(.+)$/m.exec(certificate.subject ?? '')?.[1]
  return countsCommonName && commonName !== undefined && matches(commonName, domain)
}

/** RFC 6125 §6.4.3: a `*` alone is the whole first label. */
function matches(name: string, domain: string): boolean {
  const ascii = name.startsWith('*.') ? `*.${toAscii(name.slice(2)) ?? ''}` : (toAscii(name) ?? name.toLowerCase())
  if (ascii === domain) return true
  return ascii.startsWith('*.') && ascii.includes('.', 2) && domain.slice(domain.indexOf('.')) === ascii.slice(1) && domain.indexOf('.') > 0
}

function namesIn(der: Buffer): string[] {
  const names = subjectAltNames(der)
  return names.flatMap((name) => {
    if (name.tag === DNS_NAME) return [der.toString('latin1', name.start, name.end)]
    if (name.tag !== OTHER_NAME) return []
    const [type, value] = fieldsIn(der, name)
    const text = value && fieldsIn(der, value)[0]
    if (!type || !text) return []
    const written = der.toString('utf8', text.start, text.end)
    const kind = der.toString('hex', type.start, type.end)
    if (kind === XMPP_ADDR) return [written]
    const service = kind === SRV_NAME ? SRV_SERVICES.find((one) => written.toLowerCase().startsWith(one)) : undefined
    return service === undefined ? [] : [written.slice(service.length)]
  })
}

/** Certificate → tbsCertificate → [3] extensions → subjectAltName → the names in it. */
function subjectAltNames(der: Buffer): readonly Field[] {
  const outer = field(der, 0)
  const toBeSigned = outer && fieldsIn(der, outer)[0]
  const extensions = toBeSigned && fieldsIn(der, toBeSigned).find(({ tag }) => tag === 0xa3)
  const list = extensions && fieldsIn(der, extensions)[0]
  for (const extension of list ? fieldsIn(der, list) : []) {
    const parts = fieldsIn(der, extension)
    const [id] = parts
    const value = parts.at(-1)
    if (!id || !value || der.toString('hex', id.start, id.end) !== SUBJECT_ALT_NAME) continue
    const names = field(der, value.start)
    return names ? fieldsIn(der, names) : []
  }
  return []
}

function fieldsIn(der: Buffer, { start, end }: Field): Field[] {
  const fields: Field[] = []
  for (let at = start; at < end; ) {
    const one = field(der, at)
    if (!one || one.end > end) return fields
    fields.push(one)
    at = one.end
  }
  return fields
}
