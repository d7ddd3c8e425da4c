/** `npm run demo` from end to end: what a person sees in the terminal, and what is left when it has ended. */
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { columnsOf } from '../../src/demo/columns.ts'
import { type Demonstration, demonstrate } from '../../src/demo/demonstration.ts'
import { Palette } from '../../src/demo/palette.ts'
import { el } from '../../src/xml/element.ts'
import { Client, NS_CLIENT } from '../support/client.ts'
import { LogBook } from '../support/stream-house.ts'
import { arrowsIn, Screen } from './screen.ts'

const SECONDS = 30_000

function settings(screen: Screen, more: Partial<Demonstration> = {}): Demonstration {
  return {
    output: screen,
    columns: () => 100,
    palette: new Palette(false),
    log: new LogBook(),
    once: true,
    pauseMs: 0,
    stop: new AbortController().signal,
    ...more,
  }
}

describe('the conversation', () => {
  test(
    'a client and a telephone talk, and the ladder shows each stanza and each SIP message in order',
    async () => {
      const screen = new Screen()
      const log = new LogBook()
      await demonstrate(settings(screen, { log }))
      const arrows = arrowsIn(screen.lines)
      // Timer E may have fired more than once on a machine that is busy elsewhere.
      const first = arrows.filter(({ notes }) => !notes.includes('the same once more'))

      expect(first.filter(({ side }) => side === 'xmpp').map(({ text }) => text)).toEqual([
        '> <starttls>',
        '< <proceed>',
        '> <auth> SCRAM-SHA-256-PLUS',
        '< <challenge>',
        '> <response>',
        '< <success>',
        "> <iq type='set'> bind “balcony”",
        "< <iq type='result'>",
        '> <presence>',
        '< <presence>',
        "> <iq type='get'> ping",
        "< <iq type='result'>",
        '> <message> “Καλησπέρα, Ρωμαίε! 🌹 Whe…”',
        '< <message> “Κάτω από το μπαλκόνι σου…”',
        '> <message> “Art thou gone so?”',
        "< <message type='error'>",
        '> <message> “Good night, good night! 💤”',
        '> <message> “Parting is such sweet sor…”',
      ])
      expect(first.filter(({ side }) => side === 'sip').map(({ text }) => text)).toEqual([
        '< REGISTER',
        '> 401 Unauthorized',
        '< REGISTER',
        '> 200 OK',
        '< OPTIONS',
        '> 200 OK',
        '> MESSAGE “Καλησπέρα, Ρωμαίε! 🌹 Wheref…”',
        '< 200 OK',
        '< MESSAGE “Κάτω από το μπαλκόνι σου 🌙”',
        '> 407 Proxy Authentication Required',
        '< MESSAGE “Κάτω από το μπαλκόνι σου 🌙”',
        '> 200 OK',
        '> MESSAGE “Art thou gone so?”',
        '< 486 Busy Here',
        '< MESSAGE “Mercutio? 🎭”',
        '> 404 There is no such address here',
        '> MESSAGE “Good night, good night! 💤”',
        '< 200 OK',
        '> MESSAGE “Parting is such sweet sorrow.”',
        '< 200 OK',
      ])

      const at = (text: string) => arrows.findIndex((arrow) => arrow.text === text)
      for (const [cause, effect] of [
        ['> <presence>', '< REGISTER'],
        ['> <message> “Καλησπέρα, Ρωμαίε! 🌹 Whe…”', '> MESSAGE “Καλησπέρα, Ρωμαίε! 🌹 Wheref…”'],
        ['> 407 Proxy Authentication Required', '< <message> “Κάτω από το μπαλκόνι σου…”'],
        ['> <message> “Art thou gone so?”', '> MESSAGE “Art thou gone so?”'],
        ['< 486 Busy Here', "< <message type='error'>"],
        ['> <message> “Good night, good night! 💤”', '> MESSAGE “Good night, good night! 💤”'],
        // It waited in its lane.
        ['> <message> “Parting is such sweet sor…”', '> MESSAGE “Parting is such sweet sorrow.”'],
      ] as const)
        expect(at(cause), `${cause} before ${effect}`).toBeLessThan(at(effect))

      const repeated = arrows.filter(({ notes }) => notes.includes('the same once more'))
      expect(repeated[0]?.text).toBe('> MESSAGE “Good night, good night! 💤”')
      expect(repeated[0]?.ms).toBeGreaterThan(400)
      expect(first.at(-3)?.ms, 'the late 200').toBeGreaterThanOrEqual(890)

      const notesOf = (text: string) => arrows.find((arrow) => arrow.text === text)?.notes
      expect(notesOf("< <message type='error'>")).toBe('recipient-unavailable: “Busy Here”')
      expect(notesOf('> MESSAGE “Art thou gone so?”')).toMatch(/^P-XMPP-Data: <message .*id='m2' type='chat'\/>$/)
      expect(notesOf('> 404 There is no such address here')).toMatch(/^P-XMPP-Data: <error type='cancel'><service-unavailable/)
      expect(log.of('failures')).toEqual([])
      expect(screen.text).toMatch(/18 stanzas and 2\d SIP messages in \d+\.\d s\./)
    },
    SECONDS,
  )

  test(
    'it tells of no password, digest or SASL message, and fits a terminal of 80 columns',
    async () => {
      const screen = new Screen()
      await demonstrate(settings(screen, { columns: () => 80 }))
      for (const line of screen.lines) expect(columnsOf(line), line).toBeLessThanOrEqual(80)
      expect(screen.text).not.toMatch(/response="|nonce=|cnonce|password [a-z0-9]{12}|[A-Za-z0-9+/]{24,}={0,2}/)
    },
    SECONDS,
  )
})

describe('the open house behind it', () => {
  test(
    'a client of my own logs in with what is printed, romeo answers it, and nothing is left when I end it',
    async () => {
      const screen = new Screen()
      const end = new AbortController()
      const running = demonstrate(settings(screen, { once: false, stop: end.signal }))
      const [, password = ''] = await screen.until(/juliet@xmpp\.example, password (\w+)/)
      const [, port = ''] = await screen.until(/port (\d+) \(STARTTLS\)/)
      const [, directory = ''] = await screen.until(/(\/\S+)\/romeo\.linphonerc/)
      await screen.until(/leaves nothing behind/)
      expect(existsSync(`${directory}/romeo.linphonerc`)).toBe(true)
      expect(existsSync(`${directory}/certificates/xmpp.example.crt`)).toBe(true)

      const client = await Client.session(Number(port), 'juliet', 'xmpp.example', password, 'mine')
      client.ignoresPresence = true
      client.send(el('presence', NS_CLIENT))
      client.send(el('message', NS_CLIENT, { to: 'romeo@xmpp.example', type: 'chat' }, el('body', NS_CLIENT, {}, 'It is the east.')))
      const answer = await client.receive()
      expect(answer.child('body')?.text()).toBe('I am only a demonstration, but I read: It is the east.')
      await screen.until(/^ *\d\d:\d\d:\d\d .*MESSAGE “It is the east.”/m)
      await client.close()

      end.abort()
      await running
      expect(existsSync(directory)).toBe(false)
    },
    SECONDS,
  )

  test(
    'it ends when I say so in the middle of the play',
    async () => {
      const screen = new Screen()
      const end = new AbortController()
      const running = demonstrate(settings(screen, { once: false, stop: end.signal }))
      await screen.until(/Good night/)
      end.abort()
      await running
      expect(screen.text).not.toContain('Now you')
    },
    SECONDS,
  )
})
