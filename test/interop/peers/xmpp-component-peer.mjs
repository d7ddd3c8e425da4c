/**
 * @xmpp/component that says everything back, and lets everybody see its users: domain, secret, host and port come as arguments, lines of JSON go out. A fifth
 * argument is whom its user hamlet wants to see.
 */
import { component, xml } from '@xmpp/component'

const [domain, password, host, port, watched] = process.argv.slice(2)
const tell = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }))
const xmpp = component({ service: `xmpp://${host}:${port}`, domain, password })

xmpp.on('online', () => {
  tell('online')
  if (watched) xmpp.send(xml('presence', { from: `hamlet@${domain}`, to: watched, type: 'subscribe' }))
})
xmpp.on('error', ({ condition, message }) => tell('refused', { condition: condition ?? message }))
xmpp.on('offline', () => tell('disconnected'))
xmpp.on('stanza', (stanza) => {
  if (stanza.is('presence')) return presence(stanza.attrs)
  if (!stanza.is('message') || stanza.attrs.type === 'error') return
  const { from, to, type } = stanza.attrs
  const body = stanza.getChildText('body')
  tell('message', { from, to, body })
  xmpp.send(xml('message', { from: to, to: from, type }, xml('body', {}, `you said: ${body}`)))
})

function presence({ from, to, type = 'available' }) {
  tell('presence', { from, to, type })
  if (type === 'subscribe') xmpp.send(xml('presence', { from: to, to: from, type: 'subscribed' }))
  if (type === 'subscribe' || type === 'probe') xmpp.send(xml('presence', { from: `${to}/echo`, to: from }))
}

xmpp.start().catch(() => {})
