/** What is wrong with a piece of XML, in the stream errors of RFC 6120 §4.9.3. */

/**
 * `bad-namespace-prefix`: the content namespace under a prefix (§4.8.5). `bad-format`: characters between stanzas. `unsupported-encoding`:
 * another encoding, or bytes that are not UTF-8 (§4.9.3.22). `restricted-xml`: what §11.1 keeps out. An undeclared prefix is `not-well-formed` (§11.3).
 */
export type XmlCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'unsupported-encoding'

export class XmlError extends Error {
  constructor(
    readonly condition: XmlCondition,
    /** A sentence a person understands; it never quotes more than a name of what came in. */
    message: string,
  ) {
    super(message)
    this.name = 'XmlError'
  }
}

export function malformed(message: string): XmlError {
  return new XmlError('not-well-formed', message)
}
