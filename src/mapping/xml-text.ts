/** Text from SIP on its way into XML: only characters that XML 1.0 has (§2.2), lines ended as XML ends them (§2.11). */

const NOT_IN_XML = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** What XML cannot hold becomes U+FFFD: nobody should think it was never there. */
export function xmlText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(NOT_IN_XML, '\ufffd')
}
