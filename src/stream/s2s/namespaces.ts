/** The namespaces of streams between servers, beside those of all streams. */
import { NS_STREAM } from '../namespaces.ts'

/** XEP-0220. */
export const NS_DIALBACK = 'jabber:server:dialback'
export const NS_DIALBACK_FEATURE = 'urn:xmpp:features:dialback'

/** What the header of a server stream declares: old servers know dialback by its prefix. */
export const SERVER_PREFIXES: readonly string[] = ['stream', NS_STREAM, 'db', NS_DIALBACK]
