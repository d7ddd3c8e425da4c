/** What a stranger may make the XML parsers hold (RFC 6120 §13.12): the one list, each default with its reason. */

export interface XmlLimits {
  /** From the first `<` of a stanza to its last `>`, before decoding. */
  readonly stanzaMaxBytes: number
  /** The stream header. */
  readonly headerMaxBytes: number
  /** What may arrive while the parser is held. */
  readonly heldMaxBytes: number
  /** Elements inside each other, the stanza itself being the first. */
  readonly depthMax: number
  /** Elements of one stanza, the stanza itself included. */
  readonly elementsMax: number
  /** Attributes of one element, namespace declarations included. */
  readonly attributesMax: number
  /** Declarations of prefixes in scope at one place. */
  readonly prefixesMax: number
  /** UTF-16 units of the name of an element or attribute, prefix included. */
  readonly nameMaxLength: number
  /** UTF-16 units of a namespace name. */
  readonly namespaceMaxLength: number
}

export const XML_LIMITS: XmlLimits = {
  stanzaMaxBytes: 262_144, // Prosody's figure for clients; holds an avatar in a vCard. RFC 6120 §13.12 wants 10,000 at least
  headerMaxBytes: 8_192, // a header has 300; nobody has logged in yet
  heldMaxBytes: 65_536, // one read of a socket: the owner pauses the socket while it holds the parser
  depthMax: 64, // Jingle in a carbon copy in an archive result is 14 deep; writers recurse
  elementsMax: 10_000, // a tree takes 25 times the bytes of `<a/>`: 64,000 of them would fill the stanza limit; 5,000 disco items pass
  attributesMax: 64, // each is compared with those before it; a Jingle candidate has 12
  prefixesMax: 64, // each lookup may walk them all; PIDF with all its extensions has 10
  nameMaxLength: 256, // 64 is generous for names people make
  namespaceMaxLength: 1_024, // namespace names are URIs
}

/** Documents in SIP bodies: presence, IMDN, isComposing. */
export interface DocumentLimits {
  readonly documentMaxBytes: number
  readonly depthMax: number
  /** Tags, comments and the like, counted before anything is built. */
  readonly tagsMax: number
  /** Namespace declarations in the whole document. */
  readonly declarationsMax: number
}

export const DOCUMENT_LIMITS: DocumentLimits = {
  documentMaxBytes: 65_536, // a presence document has 500 to 3,000
  depthMax: 64, // as in stanzas: writers recurse
  tagsMax: 4_000, // the library takes 10 µs for an element and builds the whole document before it can be judged
  declarationsMax: 500, // the library copies those in scope for each element that declares one
}
