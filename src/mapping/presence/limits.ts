/** Every limit of presence documents beside those of XML itself (src/xml/limits.ts): what a stranger may make grow, and how far. */

export const PRESENCE_LIMITS = {
  /** Tuples of one document, read or written: a person has a handful of devices, and each becomes a stanza. */
  tuples: 100,
  /** Notes of one tuple: a status in every language of an office. */
  notes: 8,
  /** UTF-16 units of one note written: a telephone shows one line; the stanza itself keeps its status whole in P-XMPP-Data. */
  noteCharacters: 1_024,
  /** Calls in one dialog-info document, read or written: a busy switchboard. */
  dialogs: 100,
  /** Watchers in one winfo document, as many as fit into the bytes of a document: those above it are left out of what is written, and refused in what is read. */
  watchers: 400,
} as const
