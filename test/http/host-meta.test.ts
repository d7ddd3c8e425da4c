/** Where the ways in are, for clients that look for them (XEP-0156). */
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseDocument } from '../../src/xml/document.ts'
import { type WebHouse, webHouse } from '../support/web-house.ts'

let house: WebHouse
beforeAll(async () => {
  house = await webHouse({ trustedProxies: ['127.0.0.1'] })
})
afterAll(() => house.stop())

const linksIn = (text: string) =>
  parseDocument(text)
    .elements()
    .map((link) => [link.attr('rel'), link.attr('href')])
const asking = (headers: Record<string, string> = {}) => fetch(`http://127.0.0.1:${house.port}/.well-known/host-meta`, { headers })
const WEBSOCKET = 'urn:xmpp:alt-connections:websocket'

test('host-meta names the ways in as whoever asks has reached us, and any page may ask', async () => {
  const response = await asking()
  expect(response.headers.get('content-type')).toBe('application/xrd+xml; charset=utf-8')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  const text = await response.text()
  expect(parseDocument(text).is('XRD', 'http://docs.oasis-open.org/ns/xri/xrd-1.0')).toBe(true)
  expect(linksIn(text)).toContainEqual([WEBSOCKET, `ws://127.0.0.1:${house.port}/xmpp-websocket`])
})

test('behind TLS, ours or that of a proxy we trust, the links are those of TLS', async () => {
  const text = await (await asking({ 'X-Forwarded-Proto': 'https' })).text()
  expect(linksIn(text)).toContainEqual([WEBSOCKET, `wss://127.0.0.1:${house.port}/xmpp-websocket`])
})

test('host-meta.json says the same', async () => {
  const response = await fetch(`http://127.0.0.1:${house.port}/.well-known/host-meta.json`)
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  const { links } = (await response.json()) as { links: { rel: string; href: string }[] }
  expect(links.map(({ rel, href }) => [rel, href])).toEqual(linksIn(await (await asking()).text()))
})

test('the public address of the configuration counts for everybody', async () => {
  const known = await webHouse({ publicUrl: 'https://chat.example/im' })
  const text = await (await fetch(`http://127.0.0.1:${known.port}/.well-known/host-meta`)).text()
  expect(linksIn(text)).toContainEqual([WEBSOCKET, 'wss://chat.example/im/xmpp-websocket'])
  await known.stop()
})

for (const host of ['evil.example/path', '"><script>', 'a b'])
  test(`whoever calls us ${host} gets no links`, async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ host: '127.0.0.1', port: house.port, path: '/.well-known/host-meta', headers: { Host: host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
    expect(status).toBe(400)
  })
