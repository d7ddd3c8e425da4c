/** SIP over TLS: who is who by his certificate, and what a peer without a proper one gets. */
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { TlsContexts } from '../../../src/sip/embedded/tls-contexts.ts'
import { message } from '../../contract/sip-stack.ts'
import { certificateFor } from '../../support/certificates.ts'
import { standing } from './secure-world.ts'
import { runs, stopAll, text } from './tcp-world.ts'

afterEach(stopAll)

const ours = await certificateFor('xmpp.example', '127.0.0.1')
const other = await certificateFor('other.example')
const pbx = await certificateFor('sip:pbx.example', 'sip:alice@pbx.example', 'host.pbx.example', '*.pbx.example')
const stranger = await certificateFor('pbx.example')
const authorities = [ours.cert, pbx.cert, other.cert]
const contexts = (first: typeof ours, ...more: readonly (typeof ours)[]) => new TlsContexts({ identities: [first, ...more], authorities })

async function tlsTo(port: number, options: object = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  runs({
    stop: async () => {
      socket.destroy()
    },
  })
  await once(socket, 'secureConnect')
  return socket
}

describe('the certificate that is shown', () => {
  test('is that of the domain the peer names, and the first one where he names none', async () => {
    const { port } = await standing('tls', { tls: contexts(ours, other) })
    const fingerprint = async (servername?: string) =>
      (await tlsTo(port, servername === undefined ? {} : { servername })).getPeerCertificate().subjectaltname
    expect(await fingerprint('other.example')).toBe('DNS:other.example')
    expect(await fingerprint('OTHER.example')).toBe('DNS:other.example')
    expect(await fingerprint('nobody.example')).toContain('xmpp.example')
    expect(await fingerprint()).toContain('xmpp.example')
  })

  test('is the new one after a reload, and who is connected stays so', async () => {
    const tls = contexts(ours)
    const { port } = await standing('tls', { tls })
    const before = await tlsTo(port)
    tls.reload([other])
    expect((await tlsTo(port)).getPeerCertificate().subjectaltname).toBe('DNS:other.example')
    before.write(text('1'))
    expect(String((await once(before, 'data'))[0])).toContain('200')
  })

  test('TLS 1.1 is refused', async () => {
    const { port } = await standing('tls', { tls: contexts(ours) })
    await expect(tlsTo(port, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow(
      /alert|protocol version/,
    )
  })
})

describe('who a peer is', () => {
  test('a client without certificate is served, and is nobody', async () => {
    const { port, got } = await standing('tls', { tls: contexts(ours) })
    const socket = await tlsTo(port)
    socket.write(text('1'))
    await once(socket, 'data')
    expect(got[0]?.identity).toBeUndefined()
    expect(got[0]?.from.transport).toBe('tls')
  })

  test('a verified certificate names SIP domains: by host name and by sip: URI, never by a wildcard or by a person', async () => {
    const { hop, got } = await standing('tls', { tls: contexts(ours) })
    const peer = await standing('tls', { tls: contexts(pbx) })
    await peer.stack.send(message('hi'), hop)
    expect(got[0]?.identity).toEqual(['pbx.example', 'host.pbx.example'])
  })

  test('nobody is asked for a certificate where no name is trusted: some telephones stop there', async () => {
    const quiet = new TlsContexts({ identities: [ours], authorities, asksClients: false })
    const { hop, got } = await standing('tls', { tls: quiet })
    const peer = await standing('tls', { tls: contexts(pbx) })
    await peer.stack.send(message('hi'), hop)
    expect(got[0]?.identity).toBeUndefined()
  })

  test('a certificate that nobody vouches for names nobody', async () => {
    const { port, got } = await standing('tls', { tls: contexts(ours) })
    const socket = await tlsTo(port, { cert: stranger.cert, key: stranger.key })
    socket.write(text('1'))
    await once(socket, 'data')
    expect(got[0]?.identity).toBeUndefined()
  })

  test('requests that come back by a connection of ours come from whom we verified', async () => {
    const far = await standing('tls', { tls: contexts(ours) })
    const near = await standing('tls', { tls: contexts(pbx) })
    await near.stack.send(message('hi'), { ...far.hop, name: 'xmpp.example' })
    const { from } = far.got[0] ?? {}
    if (!from) throw new Error('nothing came')
    await far.stack.send(message('and back'), from)
    expect(near.got[0]?.identity).toEqual(['xmpp.example'])
  })
})

describe('whom we connect to', () => {
  for (const [what, name] of [
    ['another name', 'elsewhere.example'],
    ['what only a wildcard would match', 'a.pbx.example'],
  ] as const) {
    test(`a server whose certificate is not for ${what} gets no request`, async () => {
      const far = await standing('tls', { tls: contexts(pbx) })
      const near = await standing('tls', { tls: contexts(ours) })
      await expect(near.stack.send(message('hi'), { ...far.hop, name })).rejects.toMatchObject({ why: 'transport' })
      expect(far.got).toEqual([])
    })
  }

  test('nor does one whose certificate nobody vouches for', async () => {
    const far = await standing('tls', { tls: new TlsContexts({ identities: [stranger], authorities }) })
    const near = await standing('tls', { tls: contexts(ours) })
    await expect(near.stack.send(message('hi'), { ...far.hop, name: 'pbx.example' })).rejects.toMatchObject({ why: 'transport' })
    expect(far.got).toEqual([])
  })

  test('a connection that was verified for one name is not used for another', async () => {
    const far = await standing('tls', { tls: contexts(pbx) })
    const near = await standing('tls', { tls: contexts(ours) })
    const to = (name: string) => near.stack.send(message('hi'), { ...far.hop, name })
    await to('pbx.example')
    await to('PBX.example')
    await to('host.pbx.example')
    await expect(to('bank.example')).rejects.toMatchObject({ why: 'transport' })
    expect(new Set(far.got.map(({ from }) => from.flow)).size).toBe(2)
  })
})

describe('what a stranger may take', () => {
  test('no time without a handshake', async () => {
    const { port } = await standing('tls', { tls: contexts(ours), limits: { handshakeMs: 30 } })
    const socket = createConnection({ host: '127.0.0.1', port })
    await once(socket, 'close')
  })

  test('connections in the middle of a handshake count too', async () => {
    const { port, heard } = await standing('tls', { tls: contexts(ours), limits: { connectionsPerAddressMax: 2 } })
    const open = () => createConnection({ host: '127.0.0.1', port })
    const sockets = [open(), open(), open()]
    await heard.fact({ what: 'sip_connection_refused', why: 'more than 2 connections of one address' })
    for (const socket of sockets) socket.destroy()
  })

  test('SIP without TLS on this port is hung up on', async () => {
    const { port, got } = await standing('tls', { tls: contexts(ours) })
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.on('error', () => {}) // the close tells
    socket.write(text('1'))
    await once(socket, 'close')
    expect(got).toEqual([])
  })

  test('stopping does not wait for who is shaking hands', async () => {
    const { stack, port } = await standing('tls', { tls: contexts(ours) })
    const socket = createConnection({ host: '127.0.0.1', port })
    await once(socket, 'connect')
    const closed = once(socket, 'close')
    await stack.stop(0)
    await closed
  })
})
