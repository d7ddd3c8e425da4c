/** The namespaces of streams and of their negotiation (RFC 6120 §14). */
export const NS_STREAM = 'http://etherx.jabber.org/streams'
export const NS_STREAM_ERRORS = 'urn:ietf:params:xml:ns:xmpp-streams'
export const NS_SERVER = 'jabber:server'
/** XEP-0114. */
export const NS_COMPONENT = 'jabber:component:accept'
export const NS_TLS = 'urn:ietf:params:xml:ns:xmpp-tls'
export const NS_SASL = 'urn:ietf:params:xml:ns:xmpp-sasl'
export const NS_BIND = 'urn:ietf:params:xml:ns:xmpp-bind'
/** RFC 3921 §3; optional since RFC 6121. */
export const NS_SESSION = 'urn:ietf:params:xml:ns:xmpp-session'
/** XEP-0078. */
export const NS_LEGACY_LOGIN = 'jabber:iq:auth'
export const NS_LEGACY_LOGIN_FEATURE = 'http://jabber.org/features/iq-auth'
/** XEP-0440: the channel bindings on offer. */
export const NS_CHANNEL_BINDING = 'urn:xmpp:sasl-cb:0'
/** RFC 6121 §2.6.1. */
export const NS_ROSTER_VERSIONS = 'urn:xmpp:features:rosterver'
/** RFC 6121 §3.4. */
export const NS_PRE_APPROVAL = 'urn:xmpp:features:pre-approval'
