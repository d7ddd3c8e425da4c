// XMPP libraries of browsers behind lines of JSON: commands come on standard input, what happens goes to standard output (see xmpp-peer.ts).
import dns from 'node:dns'
import { createInterface } from 'node:readline'

const [library, service] = process.argv.slice(2)
const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const options = JSON.parse((await input.next()).value)
const [user, domain] = options.jid.split('@')

// The certificate names the domain, which no DNS knows.
const { lookup } = dns
dns.lookup = (name, ...rest) => lookup(name === domain ? options.host : name, ...rest)

/** Strophe.js, with the XMLHttpRequest of jsdom, which holds pages to CORS as browsers do. */
async function strophe() {
  const { JSDOM } = await import('jsdom')
  globalThis.XMLHttpRequest = new JSDOM('', { url: 'https://chat.example/' }).window.XMLHttpRequest
  const { Strophe, $msg, $pres } = await import('strophe.js')
  const connection = new Strophe.Connection(service)
  connection.addHandler(
    (stanza) => {
      tell('message', {
        from: stanza.getAttribute('from'),
        id: stanza.getAttribute('id'),
        type: stanza.getAttribute('type') ?? 'normal',
        body: stanza.getElementsByTagName('body')[0]?.textContent ?? null,
      })
      return true
    },
    null,
    'message',
  )
  connection.connect(`${options.jid}/${options.resource}`, options.password, (status, condition) => {
    if (status === Strophe.Status.AUTHFAIL) tell('refused', { condition })
    if (status === Strophe.Status.CONNFAIL) tell('unreachable', { text: condition })
    if (status === Strophe.Status.DISCONNECTED) tell('disconnected', {})
    if (status !== Strophe.Status.CONNECTED) return
    connection.send($pres())
    tell('online', { jid: connection.jid, mechanism: connection._sasl_mechanism?.mechname })
  })
  return {
    message: ({ id, to, body, type }) => connection.send($msg({ to, id, type }).c('body').t(body)),
    leave: () => connection.disconnect('leaving'),
  }
}

async function stanza() {
  const { createClient } = await import('stanza')
  const isSocket = service.startsWith('ws')
  const peer = createClient({
    jid: options.jid,
    resource: options.resource,
    password: options.password,
    transports: isSocket ? { websocket: service } : { bosh: service },
    autoReconnect: false,
  })
  peer.on('session:started', () => {
    peer.sendPresence()
    tell('online', { jid: peer.jid, mechanism: peer.sasl?.mechanism })
  })
  peer.on('auth:failed', () => tell('refused', { condition: 'not-authorized' }))
  peer.on('disconnected', () => tell('disconnected', {}))
  peer.on('message', ({ from, id, type, body }) => tell('message', { from, id, type: type ?? 'normal', body: body ?? null }))
  peer.connect()
  return {
    message: ({ id, to, body, type }) => peer.sendMessage({ id, to, body, type }),
    leave: () => peer.disconnect(),
  }
}

async function xmppJs() {
  // Of browsers, and of Node from 22 on.
  globalThis.WebSocket ??= (await import('ws')).WebSocket
  const { client, xml } = await import('@xmpp/client')
  const peer = client({ service, domain, username: user, password: options.password, resource: options.resource })
  peer.reconnect.stop()
  let mechanism
  peer.on('send', (element) => {
    if (element.is('auth')) mechanism = element.attrs.mechanism
  })
  peer.on('error', (error) =>
    tell(error.name === 'SASLError' ? 'refused' : 'unreachable', { condition: error.condition, text: error.message }),
  )
  peer.on('disconnect', () => tell('disconnected', {}))
  peer.on('online', async (jid) => {
    await peer.send(xml('presence'))
    tell('online', { jid: jid.toString(), mechanism })
  })
  peer.on('stanza', (stanza) => {
    if (!stanza.is('message')) return
    const { from, id, type = 'normal' } = stanza.attrs
    tell('message', { from, id, type, body: stanza.getChildText('body') })
  })
  peer.start().catch(() => {})
  return {
    message: ({ id, to, body, type }) => peer.send(xml('message', { to, id, type }, xml('body', {}, body))),
    leave: () => peer.stop(),
  }
}

const doing = await { 'strophe.js': strophe, stanza, '@xmpp/client': xmppJs }[library]()
for await (const line of { [Symbol.asyncIterator]: () => input }) {
  const command = JSON.parse(line)
  Promise.resolve(doing[command.do](command)).catch((error) => tell('mistake', { text: error.message }))
}
process.exit(0)
