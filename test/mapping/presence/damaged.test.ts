/** Documents with random damage: read or refused, never more. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Jid } from '../../../src/address/jid.ts'
import { RefusedError } from '../../../src/core/port.ts'
import { dialogsAfter } from '../../../src/mapping/presence/dialog-info.ts'
import { feelingIn, presencesIn } from '../../../src/mapping/presence/presences-in.ts'
import { watchersAfter } from '../../../src/mapping/presence/winfo.ts'
import { parseElement } from '../../../src/xml/parse-element.ts'
import { write } from '../../../src/xml/write.ts'
import { Random } from '../../xml/random.ts'

const FOLDER = new URL('../../../sip-fixtures/sip-to-xmpp/', import.meta.url)
const pidf = readdirSync(FOLDER)
  .filter((name) => name.startsWith('presence-of-') && name.endsWith('.sip'))
  .map((name) => readFileSync(new URL(name, FOLDER), 'utf8').split('\n\n').slice(1).join('\n\n'))
const calls = `<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='1' state='partial' entity='sip:a@b.example'><dialog id='1' direction='recipient'><state>early</state><remote><identity display='B'>sip:b@c.example</identity></remote></dialog></dialog-info>`
const watchers = `<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' version='1' state='full'><watcher-list resource='sip:a@b.example' package='presence'><watcher id='1' status='active' event='approved'>sip:c@d.example</watcher></watcher-list></watcherinfo>`

const romeo = Jid.parse('romeo@example.net')
const juliet = Jid.parse('juliet@example.com')

const HARMLESS = ['a', ' ', '0', '-', '9', 'open', '\u00e9', ''] as const
const HARMFUL = ['<tuple>', '\0', '&#0;', '&lol;', ']]>', '<!--', '\ud800', '-1e999', '</', '=', '"'] as const

/** A few characters gone, doubled, swapped with others of the text, or replaced by what breaks parsers. */
function damaged(text: string, random: Random): string {
  let result = text
  for (let n = random.int(2); n >= 0; n--) {
    const at = random.int(result.length)
    const end = Math.min(result.length, at + random.int(4))
    const other = random.int(result.length)
    const put = random.chance(60) ? random.pick(HARMLESS) : random.pick([...HARMFUL, result.slice(other, other + 20)])
    result = result.slice(0, at) + put + result.slice(end)
  }
  return result
}

test('damage is read or refused, and what is read can be written', () => {
  const random = new Random(48)
  let read = 0
  const tried = (look: () => void): void => {
    try {
      look()
      read++
    } catch (cause) {
      if (!(cause instanceof RefusedError) || (cause.status !== 400 && cause.status !== 415)) throw cause
    }
  }
  for (let i = 0; i < 1_000; i++) {
    const body = Buffer.from(damaged(pidf[i % pidf.length] ?? '', random))
    const presence = { contentType: 'application/pidf+xml', body }
    tried(() => {
      for (const stanza of presencesIn(presence, romeo, juliet, { now: new Date(0), language: 'en' })) {
        expect(stanza.from.bare.toString()).toBe('romeo@example.net')
        parseElement(write(stanza.xml, ''))
      }
    })
    tried(() => feelingIn(presence))
    tried(() => dialogsAfter(undefined, { contentType: 'application/dialog-info+xml', body: Buffer.from(damaged(calls, random)) }))
    tried(() => watchersAfter(undefined, { contentType: 'application/watcherinfo+xml', body: Buffer.from(damaged(watchers, random)) }))
  }
  expect(read).toBeGreaterThan(500)
})
