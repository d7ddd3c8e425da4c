/** Which telephones are known after a restart, and where they are looked for. */
import { expect, test } from 'vitest'
import { Registrations } from '../../src/core/location.ts'
import { REGISTRAR_DEFAULTS, Registrar } from '../../src/core/registrar.ts'
import { silent } from '../../src/log/log.ts'
import type { NextHop } from '../../src/sip/port.ts'
import { MemoryStore } from '../../src/store/memory.ts'

const NOW = 1_000_000
const AOR = 'sip:romeo@xmpp.example'

async function restored(contact: string, hop: NextHop): Promise<NextHop | undefined> {
  const store = new MemoryStore()
  const data = JSON.stringify({ hop, path: [], q: 1, callId: '1', cseq: 1 })
  await store.bindings.replace(AOR, [{ aor: AOR, contact, expiresAt: NOW + 60_000, data }])
  const registrations = new Registrations(() => NOW)
  await new Registrar(registrations, store.bindings, REGISTRAR_DEFAULTS, () => NOW, silent).restore()
  return registrations.bindingsOf(AOR)[0]?.hop
}

test('over UDP where it was', async () => {
  const hop = { transport: 'udp', host: '192.0.2.9', port: 5_062, flow: 'udp0' } as const
  expect(await restored('sip:romeo@10.0.0.1:5060', hop)).toEqual({ transport: 'udp', host: '192.0.2.9', port: 5_062 })
})

for (const [transport, contact, port] of [
  ['tcp', 'sip:romeo@192.0.2.9:5066;transport=tcp', 5_066],
  ['tcp', 'sip:romeo@192.0.2.9;transport=tcp', 5_060],
  ['tls', 'sip:romeo@192.0.2.9;transport=tls', 5_061],
] as const) {
  test(`${contact} at the port of its contact, as the one its connection came from listens to nobody`, async () => {
    const hop = { transport, host: '192.0.2.9', port: 49_152, flow: `${transport}-old-1` }
    expect(await restored(contact, hop)).toEqual({ transport, host: '192.0.2.9', port })
  })
}

for (const transport of ['ws', 'wss'] as const) {
  test(`over ${transport} nowhere: only its connection led there`, async () => {
    const hop = { transport, host: '192.0.2.9', port: 49_152, flow: `${transport}-old-1` }
    expect(await restored('sip:romeo@df7jal23ls0d.invalid;transport=ws', hop)).toBeUndefined()
  })
}

test('with a contact nobody can look up nowhere, but over UDP where it was', async () => {
  const contact = 'sip:romeo@df7jal23ls0d.invalid'
  expect(await restored(contact, { transport: 'tcp', host: '192.0.2.9', port: 49_152 })).toBeUndefined()
  expect(await restored(contact, { transport: 'udp', host: '192.0.2.9', port: 5_062 })).toMatchObject({ port: 5_062 })
})
