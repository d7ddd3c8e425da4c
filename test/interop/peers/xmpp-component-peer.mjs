/** @xmpp/component that says everything back: domain, secret, host and port come as arguments, lines of JSON go out. */
import { component, xml } from '@xmpp/component'

const [domain, password, host, port] = process.argv.slice(2)
const tell = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }))
const xmpp = component({ service: `xmpp://${host}:${port}`, domain, password })

xmpp.on('online', () => tell('online'))
xmpp.on('error', ({ condition, message }) => tell('refused', { condition: condition ?? message }))
xmpp.on('offline', () => tell('disconnected'))
xmpp.on('stanza', (stanza) => {
  if (!stanza.is('message') || stanza.attrs.type === 'error') return
  const { from, to, type } = stanza.attrs
  const body = stanza.getChildText('body')
  tell('message', { from, to, body })
  xmpp.send(xml('message', { from: to, to: from, type }, xml('body', {}, `you said: ${body}`)))
})
xmpp.start().catch(() => {})
