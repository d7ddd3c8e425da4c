/** CPU time of a message through the codec: `npx tsx bench/micro/sip.ts`. Whole stacks: `npm run bench -- --only signals`. */
import { parseMessage, print } from '../../src/sip/codec.ts'
import { withEcho } from '../../src/sip/echo.ts'
import { faultIn, topVia, Vitals } from '../../src/sip/embedded/vitals.ts'
import { response, SipRequest } from '../../src/sip/message.ts'
import { parseNameAddr } from '../../src/sip/name-addr.ts'

const ROUNDS = 9
const CALLS = 50_000

/** The sizes that docs/decisions compares codecs with. */
const MESSAGE_BYTES = 1_170
const RESPONSE_BYTES = 399

const STANZA =
  "<message id='a1b2c3' type='chat' xml:lang='en' from='juliet@example.com/balcony' to='romeo@example.net'><active xmlns='http://jabber.org/protocol/chatstates'/>" +
  "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>"

const TIED = [
  'Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK776asdhds;rport',
  'From: "Juliet Capulet" <sip:juliet@example.com>;tag=49583',
  'To: <sip:romeo@example.net>',
  'Call-ID: 711609sa-32f0-4a3b-9c2d@example.com',
  'CSeq: 1 MESSAGE',
]

function text(start: string, fields: readonly string[], bytes: number): Buffer {
  const head = `${[start, ...fields].join('\r\n')}\r\nContent-Length: `
  const body = bytes - head.length - '240\r\n\r\n'.length
  return Buffer.from(body > 0 ? `${head}${String(body).padStart(3, '0')}\r\n\r\n${'x'.repeat(body)}` : `${head}0\r\n\r\n`)
}

const request = text(
  'MESSAGE sip:romeo@example.net SIP/2.0',
  [
    ...TIED,
    'Max-Forwards: 70',
    'Contact: <sip:juliet@192.0.2.10:5060;gr=balcony>',
    'Route: <sip:p.example.com;lr>',
    'Allow: MESSAGE, INFO, OPTIONS, SUBSCRIBE, NOTIFY',
    'Supported: path, gruu',
    'User-Agent: a benchmark',
    'Date: Sat, 13 Nov 2010 23:29:00 GMT',
    `P-XMPP-Data: ${STANZA}`,
    'Content-Type: text/plain;charset=UTF-8',
  ],
  MESSAGE_BYTES,
)
const answer = text('SIP/2.0 200 OK', [...TIED, 'User-Agent: a telephone', 'Allow: MESSAGE, INFO, OPTIONS'], 0)
const filler = 'X'.repeat(RESPONSE_BYTES - answer.length - 'X-Filler: \r\n'.length)
const ok = text('SIP/2.0 200 OK', [...TIED, 'User-Agent: a telephone', 'Allow: MESSAGE, INFO, OPTIONS', `X-Filler: ${filler}`], 0)

let sink = 0

/** Microseconds of CPU for one call; the median of some rounds. */
function cost(call: () => number): number {
  const rounds: number[] = []
  for (let round = -2; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let n = 0; n < CALLS; n++) sink += call()
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) rounds.push((user + system) / CALLS)
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0
}

function row(what: string, micros: number): void {
  console.log(`${what.padEnd(58)} ${micros.toFixed(2).padStart(6)} µs`)
}

function codec(): void {
  const parsed = parseMessage(request)
  if (!(parsed instanceof SipRequest)) throw new Error('not a request')
  const own = response(200)
  console.log(`codec (a MESSAGE of ${request.length} bytes, a 200 of ${ok.length})`)
  row(
    'parse the request',
    cost(() => parseMessage(request).headers.list.length),
  )
  row(
    '… and its From, To and Contact',
    cost(() => {
      const { headers } = parseMessage(request)
      return ['From', 'To', 'Contact'].reduce((sum, name) => sum + parseNameAddr(headers.get(name) ?? '').uri.length, 0)
    }),
  )
  row(
    'parse the 200',
    cost(() => parseMessage(ok).headers.list.length),
  )
  row(
    'print the request',
    cost(() => print(parsed).length),
  )
  row(
    'make and print the 200',
    cost(() => print(withEcho(parsed, own, 'a6c85cf')).length),
  )
  row(
    'check what a server checks: six fields and the top Via',
    cost(() => {
      const vitals = new Vitals(parsed.headers.list)
      return (faultIn(parsed, vitals)?.length ?? 0) + topVia(parsed.headers.list[vitals.via + 1] ?? '').host.length
    }),
  )
}

codec()
if (sink < 0) console.log(sink)
