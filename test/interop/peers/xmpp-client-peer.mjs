// @xmpp/client behind lines of JSON: commands come on standard input, what happens goes to standard output (see xmpp-peer.ts).
import { createInterface } from 'node:readline'
import { client, xml } from '@xmpp/client'

const NS_QUESTION = 'urn:example:question'
const NS_VERSION = 'jabber:iq:version'
const tell = (event, fields) => process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`)

const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const options = JSON.parse((await input.next()).value)

const peer = client({
  service: `xmpp://${options.host}:${options.port}`,
  domain: options.jid.split('@')[1],
  username: options.jid.split('@')[0],
  password: options.password,
  resource: options.resource,
})
// A refused login is an event of its own, not a reason to try for ever.
peer.reconnect.stop()
peer.timeout = 10_000

let mechanism
peer.on('send', (element) => {
  if (element.is('auth')) mechanism = element.attrs.mechanism
})
peer.on('error', (error) => {
  const event = error.name === 'SASLError' ? 'refused' : error.name === 'StreamError' ? 'streamError' : 'unreachable'
  tell(event, { condition: error.condition, text: error.message })
})
peer.on('disconnect', () => tell('disconnected', {}))
peer.on('online', async (jid) => {
  const cipher = peer.socket.socket?.getCipher?.().name
  if (options.presence) await peer.send(xml('presence'))
  tell('online', { jid: jid.toString(), mechanism, cipher })
})
peer.on('stanza', (stanza) => {
  if (!stanza.is('message')) return
  const error = stanza.getChild('error')
  tell('message', {
    from: stanza.attrs.from,
    to: stanza.attrs.to,
    id: stanza.attrs.id,
    type: stanza.attrs.type ?? 'normal',
    body: stanza.getChildText('body'),
    subject: stanza.getChildText('subject'),
    condition: error?.getChildElements().find((child) => child.name !== 'text')?.name,
    errorType: error?.attrs.type,
    text: error?.getChildText('text') ?? undefined,
    xml: stanza.toString(),
  })
})

peer.iqCallee.get(NS_VERSION, 'query', () =>
  xml('query', { xmlns: NS_VERSION }, xml('name', {}, '@xmpp/client'), xml('version', {}, '0.14'), xml('os', {}, 'a test')),
)
// One question at a time is waited for: the test says what to answer, and when.
const waiting = new Map()
peer.iqCallee.get(
  NS_QUESTION,
  'question',
  ({ stanza }) =>
    new Promise((resolve) => {
      waiting.set(stanza.attrs.id, resolve)
      tell('asked', { from: stanza.attrs.from, id: stanza.attrs.id })
    }),
)

async function ask({ id, to, ns, name }) {
  try {
    const result = await peer.iqCaller.request(xml('iq', { type: 'get', to, id }, xml(name, { xmlns: ns })), 60_000)
    const payload = result.getChildElements()[0]
    const children = Object.fromEntries(payload?.getChildElements().map((child) => [child.name, child.text()]) ?? [])
    tell('answered', { id, from: result.attrs.from, children })
  } catch (error) {
    tell('answered', { id, condition: error.condition ?? 'no answer', text: error.message })
  }
}

const doing = {
  message: ({ id, to, body, type = 'chat' }) => peer.send(xml('message', { to, id, type }, xml('body', {}, body))),
  xml: async ({ xml: text }) => {
    await peer.write(text)
    tell('wrote', {})
  },
  presence: () => peer.send(xml('presence')),
  ask,
  answer: ({ id, text }) => waiting.get(id)(xml('question', { xmlns: NS_QUESTION }, xml('answer', {}, text))),
  leave: () => peer.stop(),
}

peer.start().catch(() => process.exit(1))
for await (const line of { [Symbol.asyncIterator]: () => input }) {
  const command = JSON.parse(line)
  // Not awaited: a peer may be asked while it waits for its own answer.
  Promise.resolve(doing[command.do](command)).catch((error) => tell('mistake', { text: error.message }))
}
await peer.stop()
process.exit(0)
