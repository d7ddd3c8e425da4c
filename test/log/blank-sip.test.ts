import { deflateRawSync, deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { blankSip } from '../../src/log/blank-sip.ts'

const head = 'MESSAGE sip:romeo@montague.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n'
const register = `<iq type='set'><query xmlns='jabber:iq:register'><password>s3cret</password></query></iq>`
const harmless = `<message xmlns='jabber:client'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`

test('digest credentials keep who and lose what could be guessed from', () => {
  const before = `${head}Authorization: Digest username="juliet", realm="capulet.example",\r\n nonce="abc", uri="sip:x", response="6629fae49393a05397450978507c4ef1", cnonce=0a4f113b, qop=auth\r\nContent-Length: 0\r\n\r\n`
  const after = blankSip(before)
  expect(after).toContain('username="juliet", realm="capulet.example",\r\n nonce="abc"')
  expect(after).not.toContain('6629fae4')
  expect(after).not.toContain('0a4f113b')
  expect(after).toContain('qop=auth\r\nContent-Length: 0\r\n\r\n')
})

for (const [field, secret] of [
  ['Proxy-Authorization: Digest username="a", response = "deadbeef"', 'deadbeef'],
  ['AUTHORIZATION : Digest response=deadbeef', 'deadbeef'],
  ['Authorization: Basic anVsaWV0OnMzY3JldA==', 'anVsaWV0'],
  ['Authorization: Bearer token-token', 'token-token'],
  ['Authentication-Info: nextnonce="n", rspauth="deadbeef"', 'deadbeef'],
  [`P-XMPP-Data: ${register}`, 's3cret'],
  [`P-XMPP-Data: b64:${Buffer.from(register).toString('base64')}`, Buffer.from(register).toString('base64')],
  [`P-XMPP-Data: z64:${deflateSync(register).toString('base64')}`, deflateSync(register).toString('base64')],
  [`P-XMPP-Data: z64:${deflateRawSync(register).toString('base64')}`, deflateRawSync(register).toString('base64')],
  ['P-XMPP-Data: z64:bm90IGRlZmxhdGVk', 'bm90IGRlZmxhdGVk'],
] as const)
  test(`the log does not keep ${field.slice(0, 40)}`, () => {
    const after = blankSip(`${head}${field}\r\nMax-Forwards: 70\r\n\r\nbody`)
    expect(after).not.toContain(secret)
    expect(after).toContain('(blanked)')
    expect(after.endsWith('\r\nMax-Forwards: 70\r\n\r\nbody')).toBe(true)
  })

test('a stanza in a part of the body is blanked like one in the header', () => {
  const base64 = Buffer.from(register).toString('base64')
  const before = `${head}P-XMPP-Data: cid:1@x\r\nContent-Type: multipart/mixed;boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: application/xmpp+xml\r\nContent-ID: <1@x>\r\n\r\n${base64}\r\n--b--\r\n`
  const after = blankSip(before)
  expect(after).not.toContain(base64.slice(0, 20))
  expect(after).toContain('\r\n\r\nhello\r\n--b\r\n')
  expect(after.endsWith('\r\n\r\n(blanked)\r\n--b--\r\n')).toBe(true)
})

test('a stanza that is the whole body is blanked', () => {
  expect(blankSip(`INFO sip:a SIP/2.0\r\nContent-Type: application/xmpp+xml\r\n\r\n${register}`)).not.toContain('s3cret')
  expect(blankSip(`INFO sip:a SIP/2.0\r\nContent-Type: application/xmpp+xml\r\n\r\n${Buffer.from(register).toString('base64')}`)).toMatch(
    /\r\n\r\n\(blanked\)$/,
  )
})

for (const message of [
  `${head}Content-Type: text/plain\r\nContent-Length: 34\r\n\r\nAuthorization: Digest response="kept"`,
  `${head}P-XMPP-Data: ${harmless}\r\n\r\n`,
  `${head}P-XMPP-Data: b64:${Buffer.from(harmless).toString('base64')}\r\n\r\n`,
  `${head}P-XMPP-Data: z64:${deflateSync(harmless).toString('base64')}\r\n\r\n`,
  'SIP/2.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm="x", nonce="y"\r\n\r\n',
  'no SIP at all',
  '',
])
  test(`the log keeps this as it is: ${message.slice(0, 120)}`, () => {
    expect(blankSip(message)).toBe(message)
  })
