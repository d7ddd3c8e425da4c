/** Every limit of this room: what a stranger may make grow, and how far. */

export const LIMITS = {
  /** Bytes of XML in P-XMPP-Data once it is decoded and inflated: twice the largest stanza a stream lets in, as character references make it longer. */
  xmppDataBytes: 524_288,
  /** Multiparts, CPIM wrappers and messages inside each other: each level reads the bytes again. */
  bodyDepth: 4,
  /** Parts of a body over all levels. */
  bodyParts: 32,
  /** Bytes of the header fields of one part, or of one CPIM message: hundreds are usual. */
  partHeaderBytes: 16_384,
  /** Characters of one MIME parameter list. */
  contentTypeCharacters: 1_024,
  /** Characters of an id taken from a branch or an IMDN; a longer one is replaced by its digest. */
  idCharacters: 128,
  /** Characters of a thread that may stand in Call-ID as it is; a longer one is replaced by its digest. */
  callIdCharacters: 128,
  /** Bytes of Subject: what is longer stays in P-XMPP-Data, where the hop carries that. */
  subjectBytes: 1_024,
  /** Characters of a Reason-Phrase made from a stanza: a status line is one line on a telephone's screen. */
  reasonCharacters: 256,
  /** Bytes a stack adds to what we make: Via with its branch, Contact, Content-Length. */
  stackBytes: 300,
  /** Seconds a message may be on its way before the receiver is told when it was sent. */
  lateSeconds: 10,
  /** IMDN-Record-Route fields of one message: intermediaries that want to see its receipt. */
  imdnRoutes: 8,
  /** What we say of our own `active` (RFC 3994 §3.2: 60 or more); it is repeated a while before. */
  composingRefreshSeconds: 90,
  /** Seconds that `active` lasts where its sender does not say (RFC 3994 §3.3), and at most. */
  composingSeconds: 120,
  composingSecondsMax: 600,
  /** Seconds after which a sender may try again where we cannot say better (RFC 3261 §20.33). */
  retryAfterSeconds: 30,
} as const
