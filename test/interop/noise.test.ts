/** What a server on the internet hears all day: scanners, guessers, floods and rubbish. They learn nothing, and telephones are served meanwhile. */
import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Folder } from './peers/folder.ts'
import { Gateway } from './peers/gateway.ts'
import { lacks } from './peers/installed.ts'
import { sipsak, sipvicious } from './peers/noise.ts'
import { freePort } from './peers/ports.ts'
import { overUdp } from './peers/raw.ts'
import { at, Sipp, sipp, who } from './peers/sipp.ts'

/** Where good telephones live: all noise comes from 127.0.0.1, and an address with telephones is never ignored. */
const HOME = '127.0.0.9'
const EXTENSION = '1001'
const RESIDENT_GROWTH_MAX_BYTES = 150_000_000

let gateway: Gateway
let nurse: Sipp

beforeEach(async () => {
  gateway = await Gateway.start()
  await gateway.add('juliet', 'nurse', EXTENSION)
  const port = await freePort()
  await sipp('register', { ...asked('nurse'), port, keys: { ...who(gateway.line('nurse')), expires: 600 } })
  nurse = await Sipp.start('answer-message', { port, localHost: HOME })
})
afterEach(async () => {
  await nurse?.stop()
  await gateway?.stop()
})

function asked(user: string, uri = gateway.domain) {
  const line = gateway.line(user)
  return { ...at(line), localHost: HOME, credentials: { ...line, uri } }
}

/** Good telephones talk as long as the noise lasts; what it cost, and what the noisy program printed. */
async function meanwhile(noise: Promise<string>): Promise<{ printed: string; cpuSeconds: number; grown: number }> {
  const before = await gateway.usage()
  let isOver = false
  const ending = noise.finally(() => {
    isOver = true
  })
  const to = `nurse@${gateway.domain}`
  do {
    const keys = { ...who(gateway.line('juliet')), to, text: 'Is it always so loud?' }
    expect(await sipp('send-message', { ...asked('juliet', to), keys })).toContain('final 200')
  } while (!isOver)
  const printed = await ending
  const after = await gateway.usage()
  return { printed, cpuSeconds: after.cpuSeconds - before.cpuSeconds, grown: after.residentBytes - before.residentBytes }
}

describe.skipIf(lacks('sipp', 'sipvicious'))('SIPVicious', () => {
  test('svmap finds a SIP server, and not which one', async () => {
    const { printed } = await meanwhile(sipvicious('svmap', gateway.port('sip/udp'), []))
    expect(printed).toContain(`127.0.0.1:${gateway.port('sip/udp')}`)
    expect(printed).not.toMatch(/stoxgate/i)
  })

  for (const method of ['REGISTER', 'OPTIONS', 'INVITE']) {
    test(`svwar finds no account by ${method}`, async () => {
      const args = ['--domain', gateway.domain, '--force', '-m', method, '-e', '1000-1010']
      const { printed } = await meanwhile(sipvicious('svwar', gateway.port('sip/udp'), args))
      expect(printed).toContain('found nothing')
      // It prints a table with each it found.
      expect(printed).not.toMatch(new RegExp(`\\| *${EXTENSION} *\\|`))
    })
  }

  test('svcrack is not heard any more long before it comes to the right password', async () => {
    const folder = await Folder.make('words')
    const words = folder.file('words')
    const password = gateway.line(EXTENSION).password
    await writeFile(words, [...Array.from({ length: 400 }, (_, n) => `guess${n}`), password].join('\n'))
    const args = ['-u', EXTENSION, '--domain', gateway.domain, '-d', words, '--maximumtime', '2']
    const { printed } = await meanwhile(sipvicious('svcrack', gateway.port('sip/udp'), args))
    await folder.remove()
    expect(printed).toContain('found nothing')
    expect(printed).not.toContain(password)
    expect(await gateway.log()).toMatch(/ scanner_ignored address=127\.0\.0\.1 /)
  })
})

describe.skipIf(lacks('sipp', 'sipsak'))('sipsak', () => {
  test('floods with 50,000 requests: they cost little and leave nothing', async () => {
    const { printed, cpuSeconds, grown } = await meanwhile(sipsak(gateway.port('sip/udp'), ['-F', '-e', '50000']))
    expect(printed).toContain('flood end reached')
    expect(cpuSeconds).toBeLessThan(5)
    expect(grown).toBeLessThan(RESIDENT_GROWTH_MAX_BYTES)
  })

  test('sends what is hardly SIP any more', async () => {
    for (const most of [5, 30, 200]) {
      const { cpuSeconds, grown } = await meanwhile(sipsak(gateway.port('sip/udp'), ['-R', '-t', `${most}`]))
      expect(cpuSeconds).toBeLessThan(5)
      expect(grown).toBeLessThan(RESIDENT_GROWTH_MAX_BYTES)
    }
  })
})

describe.skipIf(lacks('sipp'))('a stranger', () => {
  for (const method of ['REGISTER', 'MESSAGE', 'OPTIONS', 'INVITE', 'SUBSCRIBE', 'PUBLISH', 'INFO', 'NOTIFY', 'REFER']) {
    test(`hears the same of an account and of a name nobody has, by ${method}`, async () => {
      for (const from of [undefined, 'somebody@elsewhere.example']) {
        const [there, nowhere] = await Promise.all([EXTENSION, '1999'].map((user) => heard(method, user, from)))
        expect(there).toMatch(/^SIP\/2\.0 4\d\d /)
        expect(there).toBe(nowhere)
      }
    })
  }

  /** The answer to a request about that user, in his own name or another's, without what differs in any case. */
  async function heard(method: string, user: string, from = `${user}@${gateway.domain}`): Promise<string> {
    const lines = [
      `${method} sip:${method === 'REGISTER' ? '' : `${user}@`}${gateway.domain} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK${method}${user}${from.length};rport`,
      'Max-Forwards: 70',
      `From: <sip:${from}>;tag=s1`,
      `To: <sip:${user}@${gateway.domain}>`,
      `Call-ID: ${method}-${user}-${from}`,
      `CSeq: 1 ${method}`,
      'Contact: <sip:stranger@127.0.0.1>',
      'Event: presence',
      'Refer-To: <sip:juliet@xmpp.example>',
      'Content-Length: 0',
    ]
    const [answer = ''] = await overUdp(gateway.port('sip/udp'), [`${lines.join('\r\n')}\r\n\r\n`], /^SIP\/2\.0 [2-6]/)
    return answer
      .replaceAll(user, 'USER')
      .replace(/nonce="[^"]*"/g, '')
      .replace(/tag=[\w-]+/g, '')
      .replace(/rport=\d+/, '')
  }
})
