/** Temporary GRUUs: addresses that say nothing, and are good for one registration of one telephone. */
import { beforeEach, expect, test } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import { type Binding, Registrations } from '../../src/core/location.ts'
import { TemporaryGruus } from '../../src/core/temporary-gruu.ts'

const KEY = Buffer.alloc(32, 7)
const ACCOUNT = SipUri.parse('sip:o%27hara@xmpp.example')
const PHONE: Binding = {
  aor: ACCOUNT.aor,
  contact: SipUri.parse('sip:o@192.0.2.7'),
  hop: { transport: 'udp', host: '192.0.2.7', port: 5_060 },
  path: [],
  instance: 'urn:uuid:00000000-0000-1000-8000-000A95A0E128',
  q: 1,
  expiresAt: 2_000,
  callId: 'one',
  cseq: 1,
  begun: 1_000,
}

let now = 1_000
const registrations = new Registrations(() => now)
const gruus = new TemporaryGruus(KEY, registrations)
beforeEach(() => {
  now = 1_000
  registrations.replace(ACCOUNT.aor, [PHONE])
})

const made = () => SipUri.parse(gruus.make(ACCOUNT, PHONE))

test('leads to its telephone, with gr or as XMPP writes it, after a restart too', () => {
  const found = new TemporaryGruus(KEY, registrations).resolve(made())
  expect(String(found)).toBe(ACCOUNT.withGr(PHONE.instance).toString())
  expect(String(gruus.resolve(SipUri.parse(made().bare.toString())))).toBe(String(found))
})

test('is another one each time, with nothing in common and nothing to be read in it', () => {
  const all = Array.from({ length: 100 }, () => made().user ?? '')
  expect(new Set(all).size).toBe(100)
  for (const one of all) expect(one).toMatch(/^tgruu\.[a-z2-7]{60,}$/)
  expect(new Set(all.map((one) => one.slice(6, 14))).size).toBe(100)
})

test('is invalid once the registration is over, or another one has begun', () => {
  const old = made()
  registrations.replace(ACCOUNT.aor, [{ ...PHONE, callId: 'two', begun: 1_500 }])
  expect(gruus.resolve(old)).toBe('invalid')
  registrations.replace(ACCOUNT.aor, [PHONE])
  now = 2_001
  expect(gruus.resolve(old)).toBe('invalid')
})

test('cannot be forged, nor taken to another domain: it is an address like any other then', () => {
  const user = made().user ?? ''
  const last = user.endsWith('a') ? 'b' : 'a'
  for (const other of [`${user.slice(0, 30)}${last}${user.slice(31)}`, 'tgruu.', 'tgruu.aaaa', 'tgruu.!', 'juliet', user.slice(0, -5)]) {
    if (other !== user) expect(gruus.resolve(SipUri.parse(`sip:${other}@xmpp.example`))).toBeUndefined()
  }
  expect(gruus.resolve(SipUri.parse(`sip:${user}@other.example`))).toBeUndefined()
  expect(new TemporaryGruus(Buffer.alloc(32, 8), registrations).resolve(made())).toBeUndefined()
})
