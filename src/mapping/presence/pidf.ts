/** The words of presence documents: PIDF (RFC 3863), data model (RFC 4479), RPID (RFC 4480), CIPID (RFC 4482). */

export const PIDF = 'application/pidf+xml'

export const NS_PIDF = 'urn:ietf:params:xml:ns:pidf'
export const NS_DATA_MODEL = 'urn:ietf:params:xml:ns:pidf:data-model'
export const NS_RPID = 'urn:ietf:params:xml:ns:pidf:rpid'

export const ACCEPT_PIDF: readonly (readonly [string, string])[] = [['Accept', PIDF]]

/** What one element of any draft or RFC of this family may stand in: early telephones put a colon behind PIDF's namespace, others use RPID's of a draft. */
export const isOfPidf = (ns: string): boolean => ns.startsWith(NS_PIDF)
