/** Text and names of every alphabet arrive as they were written, in both directions and in every program. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Baresip } from './peers/baresip.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { Linphonec } from './peers/linphonec.ts'
import type { Phone } from './peers/phone.ts'
import { freePort } from './peers/ports.ts'
import { registerBySipp, Sipp, sendBySipp } from './peers/sipp.ts'
import { slixmpp } from './peers/slixmpp.ts'
import { xmppClient } from './peers/xmpp-client.ts'
import type { XmppPeer } from './peers/xmpp-peer.ts'

const TEXTS = [
  ['Greek', 'Ἄνδρα μοι ἔννεπε, Μοῦσα, πολύτροπον'],
  ['Arabic', 'أعطني الناي وغنِّ، فالغنا سرُّ الوجود'],
  ['emoji, joined and coloured', '👩‍👩‍👧‍👦 and 👋🏽 and 🏴󠁧󠁢󠁳󠁣󠁴󠁿'],
  ['what XML, SIP and shells find special', `<b>&amp; "quotes" 'and' \\ %41 $HOME; ]]> , = @`],
] as const

let gateway: Gateway
let juliet: XmppPeer

beforeAll(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'romeo', 'nurse', 'your\\40jid.tld', 'o\\27malley', 'tschüss')
  juliet = xmppClient(gateway.login('juliet', 'balcony'))
  await juliet.online()
})
afterAll(async () => {
  await juliet?.leave()
  await gateway?.stop()
})

const JULIET = 'sip:juliet@xmpp.example'
const telephones: readonly ['baresip' | 'linphonec', () => Promise<Phone>][] = [
  ['baresip', () => Baresip.start({ ...gateway.line('romeo'), contact: JULIET, certificate: gateway.certificate })],
  ['linphonec', () => Linphonec.start({ ...gateway.line('romeo'), contact: JULIET })],
]

for (const [name, start] of telephones) {
  describe.skipIf(lacks(name))(name, () => {
    let phone: Phone

    beforeAll(async () => {
      phone = await start()
      await phone.registered()
    })
    afterAll(() => phone?.stop())

    for (const [language, text] of TEXTS) {
      test(`${language} arrives intact from the client`, async () => {
        juliet.say('romeo@xmpp.example', text)
        await phone.hears(text)
      })

      test(`${language} arrives intact at the client`, async () => {
        expect(await phone.say(text)).toMatchObject({ status: 200 })
        await juliet.hears(text)
      })
    }
  })
}

describe.skipIf(lacks('sipp', 'slixmpp'))('names that are written differently in the two worlds', () => {
  // The last is what a person types as the telephone's user name: digest knows neither world's escapes.
  for (const [jid, user, why, username] of [
    ['your\\40jid.tld', 'your%40jid.tld', 'an @ inside', 'your@jid.tld'],
    ['o\\27malley', "o'malley", 'an apostrophe', "o'malley"],
    ['tschüss', 'tsch%C3%BCss', 'an umlaut', 'tschüss'],
  ] as const) {
    test(`${why}: the client writes to ${jid}, the telephone is ${user}, and both see the sender they know`, async () => {
      const line = { ...gateway.line(jid), user }
      const port = await freePort()
      await registerBySipp(line, port, 600, username)
      const phone = await Sipp.start('answer-message', { port, calls: 1 })
      juliet.say(`${jid}@xmpp.example`, 'Do you hear me?')
      const request = await phone.trace.request('MESSAGE')
      expect(request.text).toContain('Do you hear me?')
      expect(request.text.toLowerCase()).toContain(`to: <sip:${user.toLowerCase()}@xmpp.example>`)
      expect((await phone.end()).code).toBe(0)
      expect(await sendBySipp(line, 'juliet@xmpp.example', 'I do', { username })).toBe(200)
      expect((await juliet.hears('I do')).from).toMatch(`${jid}@xmpp.example`)
      await registerBySipp(line, port, 0, username)
    })

    test(`${why}: a telephone writes to ${user} and the client that is ${jid} reads it`, async () => {
      // Not @xmpp/client: its SASL encodes a user name that is not ASCII as Latin-1.
      const client = slixmpp(gateway.login(jid, 'desk'))
      try {
        expect((await client.online()).jid).toBe(`${jid}@xmpp.example/desk`)
        expect(await sendBySipp(gateway.line('nurse'), `${user}@xmpp.example`, 'Are you there?')).toBe(200)
        expect(await client.hears('Are you there?')).toMatchObject({ to: expect.stringContaining(`${jid}@xmpp.example`) })
        client.say('juliet@xmpp.example', 'I was asked')
        expect((await juliet.hears('I was asked')).from).toBe(`${jid}@xmpp.example/desk`)
        juliet.say(`${jid}@xmpp.example`, 'and are answered')
        await client.hears('and are answered')
      } finally {
        await client.leave()
      }
    })
  }
})
