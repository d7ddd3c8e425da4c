/** Messages damaged at random, the same for the same seed: from the torture messages of RFC 4475, the fixtures of the bridge, and the two that cross it most. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Random } from '../xml/random.ts'

const FIXTURES = new URL('../../sip-fixtures/', import.meta.url)

/** A MESSAGE, and a response. */
export const SOUND = [
  [
    'MESSAGE sip:romeo@xmpp.example SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK776asdhds;rport',
    'Max-Forwards: 70',
    'From: "Juliet Capulet" <sip:juliet@xmpp.example>;tag=49583',
    'To: <sip:romeo@xmpp.example>',
    'Call-ID: asd88asd77a@192.0.2.7',
    'CSeq: 1 MESSAGE',
    'Authorization: Digest username="juliet", realm="xmpp.example", nonce="a", uri="sip:x", response="0123", qop=auth, nc=00000001, cnonce="b"',
    `P-XMPP-Data: <message id='1' type='chat'/>`,
    'Content-Type: text/plain;charset=UTF-8',
    'Content-Length: 24',
    '',
    'Art thou not Romeo, and …',
  ].join('\r\n'),
  [
    'SIP/2.0 486 Busy Here',
    'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKnashds8;received=192.0.2.3, SIP/2.0/TCP [2001:db8::1]:5061',
    'f: <sip:a@h.example>;tag=1',
    't: "B" <sip:b@h.example;gr=x?y=z>;tag=2',
    'i: 1',
    'CSeq: 1 MESSAGE',
    'm: *',
    'l: 0',
    '\r\n',
  ].join('\r\n'),
]

const corpus: readonly Buffer[] = [
  ...SOUND.map((text) => Buffer.from(text)),
  ...readdirSync(new URL('torture/', FIXTURES))
    .filter((name) => name.endsWith('.dat'))
    .map((name) => readFileSync(new URL(`torture/${name}`, FIXTURES))),
  ...['xmpp-to-sip/', 'sip-to-xmpp/'].flatMap((folder) =>
    readdirSync(new URL(folder, FIXTURES))
      .filter((name) => name.endsWith('.sip'))
      .map((name) => asSent(readFileSync(new URL(`${folder}${name}`, FIXTURES), 'utf8'))),
  ),
]

/** Without the comments at its top, and with the line breaks SIP has. Its Content-Length may be wrong or missing, as the damage may make it anyway. */
function asSent(fixture: string): Buffer {
  return Buffer.from(fixture.replace(/^(?:#.*\n)+/, '').replaceAll('\n', '\r\n'))
}

const PIECES = [
  '\r\n',
  '\r',
  '\n',
  '\r\n ',
  '\r\n\r\n',
  '\0',
  '\\\0',
  ' ',
  '\t',
  ';',
  ';;',
  ',',
  '"',
  '\\',
  '<',
  '>',
  ':',
  '=',
  '@',
  '%',
  '%00',
  '[',
  ']',
  '?',
  '*',
  '/',
  'é',
  '\u{1f44b}',
  '\ud800',
  'z9hG4bK',
  ';rport',
  ';received=',
  ';branch=',
  ';maddr=255.255.255.255',
  ';maddr=127.0.0.3',
  ';maddr=::1',
  ';tag=',
  'Via: x\r\n',
  'Content-Length: 9\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'l: -1\r\n',
  'CSeq: 1 X\r\n',
  'To: "\r\n',
  'SIP/2.0',
  'SIP/2.0 200 OK\r\n',
  'INVITE',
  'ACK',
  'CANCEL',
  'sip:',
  'tel:',
  ' '.repeat(3_000),
  'a'.repeat(9_000),
  ';a=b'.repeat(500),
] as const

export function mutated(random: Random): Buffer {
  let bytes = corpus[random.int(corpus.length)] ?? Buffer.alloc(0)
  for (let n = 1 + random.int(4); n > 0; n--) bytes = changed(bytes, random)
  return bytes
}

function changed(bytes: Buffer, random: Random): Buffer {
  const [from, to] = [random.int(bytes.length + 1), random.int(bytes.length + 1)].sort((a, b) => a - b)
  const [start = 0, end = 0] = [from, to]
  const [head, middle, tail] = [bytes.subarray(0, start), bytes.subarray(start, end), bytes.subarray(end)]
  switch (random.int(8)) {
    case 0:
      return Buffer.concat([head, tail])
    case 1:
      return Buffer.concat([head, middle, middle, tail])
    case 2:
    case 3:
      return Buffer.concat([head, Buffer.from(random.pick(PIECES)), middle, tail])
    case 4:
      return Buffer.concat([head, Buffer.from([random.int(256)]), middle.subarray(1), tail])
    case 5:
      return head
    case 6:
      return Buffer.concat([head, (corpus[random.int(corpus.length)] ?? head).subarray(start)])
    default:
      return lineMoved(bytes, random)
  }
}

function lineMoved(bytes: Buffer, random: Random): Buffer {
  const lines = bytes.toString('latin1').split('\r\n')
  const line = lines[random.int(lines.length)] ?? ''
  lines.splice(random.int(lines.length + 1), random.int(2), ...Array.from({ length: 1 + random.int(3) }, () => line))
  return Buffer.from(lines.join('\r\n'), 'latin1')
}
