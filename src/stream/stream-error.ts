/** Stream errors (RFC 6120 §4.9): the last thing a stream hears, always with a sentence a person understands. */
import { type Element, el } from '../xml/element.ts'
import { NS_STREAM, NS_STREAM_ERRORS } from './namespaces.ts'

/** RFC 6120 §4.9.3 in its order, with what we say where the thrower says nothing. */
export const STREAM_CONDITIONS = {
  'bad-format': 'This is not a stream as RFC 6120 has it',
  'bad-namespace-prefix': 'The namespace prefix is not the one that is expected here',
  conflict: 'Another connection has taken this address',
  'connection-timeout': 'Nothing was heard for too long',
  'host-gone': 'This domain is no longer served here',
  'host-unknown': 'This domain is not served here',
  'improper-addressing': 'An address is missing or is not one',
  'internal-server-error': 'Something went wrong here; it is not your fault',
  'invalid-from': 'You may not speak for this address',
  'invalid-namespace': 'This kind of stream is not offered here',
  'invalid-xml': 'The XML is not valid here',
  'not-authorized': 'Log in first',
  'not-well-formed': 'This is not well-formed XML',
  'policy-violation': 'This is more than is allowed here',
  'remote-connection-failed': 'Another server that is needed cannot be reached',
  reset: 'Connect again',
  'resource-constraint': 'There is no room at the moment',
  'restricted-xml': 'XMPP allows no comments, processing instructions, DTDs or entities',
  'see-other-host': 'Connect elsewhere',
  'system-shutdown': 'The server is going down',
  'undefined-condition': 'The stream cannot go on',
  'unsupported-encoding': 'Streams are UTF-8',
  'unsupported-feature': 'A feature that is needed is not supported',
  'unsupported-stanza-type': 'This element means nothing here',
  'unsupported-version': 'Version 1.0 is spoken here',
} as const satisfies Record<string, string>
export type StreamCondition = keyof typeof STREAM_CONDITIONS

export function isStreamCondition(text: string): text is StreamCondition {
  return Object.hasOwn(STREAM_CONDITIONS, text)
}

/** Refuses a whole stream: thrown by what reads it, written as `<stream:error/>` by the connection. */
export class StreamError extends Error {
  constructor(
    readonly condition: StreamCondition,
    readonly text: string = STREAM_CONDITIONS[condition],
  ) {
    super(text)
    this.name = 'StreamError'
  }

  element(): Element {
    return el('error', NS_STREAM, {}, el(this.condition, NS_STREAM_ERRORS), el('text', NS_STREAM_ERRORS, { 'xml:lang': 'en' }, this.text))
  }
}
