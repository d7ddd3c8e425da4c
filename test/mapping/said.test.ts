/** The bodies of a MESSAGE (RFC 7572 §7, RFC 3428, RFC 3862, RFC 2046): what an XMPP user is shown, and what is refused. */
import { describe, expect, test } from 'vitest'
import { RefusedError } from '../../src/core/port.ts'
import { toStanza } from '../../src/mapping/stanza.ts'
import { fromRomeo, making } from './world.ts'

const lines = (...list: string[]): string => list.join('\r\n')
const shown = (type: string, body: string | Buffer, fields: Record<string, string> = {}) =>
  toStanza(fromRomeo({ 'Content-Type': type, ...fields }, body), making).xml
const textOf = (type: string, body: string | Buffer, fields: Record<string, string> = {}) => shown(type, body, fields).child('body')?.text()
const bodies = (type: string, body: string) =>
  shown(type, body)
    .elements()
    .filter((child) => child.name === 'body')
    .map((child) => [child.attr('xml:lang'), child.text()])

function refusal(type: string | undefined, body: string | Buffer, fields: Record<string, string> = {}): RefusedError {
  try {
    toStanza(fromRomeo({ ...(type === undefined ? {} : { 'Content-Type': type }), ...fields }, body), making)
  } catch (cause) {
    if (cause instanceof RefusedError) return cause
    throw cause
  }
  throw new Error('nothing was refused')
}

describe('a text is shown as it was written', () => {
  test('in UTF-8 where nothing is said', () => expect(textOf('text/plain', 'Ὦ Ῥωμαῖε 😀')).toBe('Ὦ Ῥωμαῖε 😀'))
  test('in the charset that is said', () => {
    expect(textOf('text/plain;charset=ISO-8859-7', Buffer.from([0xd9, 0xec, 0xdd, 0xe3, 0xe1]))).toBe('Ωμέγα')
    expect(textOf('text/plain; charset="iso-8859-1"', Buffer.from([0x66, 0xfc, 0x72]))).toBe('für')
    expect(textOf('text/plain;charset=utf-16le', Buffer.from('سلام', 'utf16le'))).toBe('سلام')
  })
  test('with the line breaks of XML', () => expect(textOf('text/plain', 'one\r\ntwo\rthree\n')).toBe('one\ntwo\nthree\n'))
  test('without what XML cannot hold', () => expect(textOf('text/plain', 'bell\u0007 null\0')).toBe('bell\ufffd null\ufffd'))
  test('with markup as text', () => expect(textOf('text/plain', '<b>&amp;</b>')).toBe('<b>&amp;</b>'))
  test('in its language', () => expect(shown('text/plain', 'Nic z obého', { 'Content-Language': 'cs' }).attr('xml:lang')).toBe('cs'))
  test('an HTML body as its text', () => expect(textOf('text/html', '<p>Neither, <i>fair saint</i></p>')).toBe('Neither, fair saint'))
  test('quoted-printable and base64 are taken off', () => {
    const body = (encoding: string, text: string) =>
      lines('--b', 'Content-Type: text/plain', `Content-Transfer-Encoding: ${encoding}`, '', text, '--b--', '')
    expect(textOf('multipart/mixed;boundary=b', body('quoted-printable', 'f=C3=BCr=\r\n dich  \r\n=zz'))).toBe('für dich\n=zz')
    expect(textOf('multipart/mixed;boundary=b', body('BASE64', 'ZsO8cg=='))).toBe('für')
  })
})

describe('a MESSAGE without a body is a message without one', () => {
  test('with a subject', () => {
    const message = toStanza(fromRomeo({ Subject: 'Are you there?' }), making).xml
    expect([message.child('body'), message.child('subject')?.text()]).toEqual([undefined, 'Are you there?'])
  })
  test('with nothing', () => expect(toStanza(fromRomeo({ 'Content-Type': 'text/plain' }), making).xml.children).toEqual([]))
})

describe('CPIM is unwrapped (RFC 3862)', () => {
  // RFC 3862 §2.1, its text shortened.
  const cpim = lines(
    'From: MR SANDERS <im:piglet@100akerwood.com>',
    'To: Depressed Donkey <im:eeyore@100akerwood.com>',
    'DateTime: 2000-12-13T13:40:00-08:00',
    'Subject: the weather will be fine today',
    "Subject:;lang=fr beau temps prevu pour aujourd\\'hui",
    'NS: MyFeatures <mid:MessageFeatures@id.foo.com>',
    'MyFeatures.WackyMessageOption: Use-silly-font',
    '',
    'Content-type: text/plain; charset=utf-8',
    'Content-ID: <1234567890@foo.com>',
    '',
    'Tiddely pom',
  )
  test('the example of the RFC', () => {
    const message = shown('message/cpim', cpim)
    expect(message.child('body')?.text()).toBe('Tiddely pom')
    expect(message.child('subject')?.text()).toBe('the weather will be fine today')
    expect(message.child('delay', 'urn:xmpp:delay')?.attr('stamp')).toBe('2000-12-13T21:40:00Z')
  })
  test('its From is not believed: the request says who sent it', () =>
    expect(shown('message/cpim', cpim).attr('from')).toBe('romeo@example.net'))
  test('the sloppy form of RFC 5438, without the empty line', () => {
    const sloppy = lines(
      'From: Alice <im:alice@example.com>',
      'To: Bob <im:bob@example.com>',
      'NS: imdn <urn:ietf:params:imdn>',
      'imdn.Message-ID: 34jk324j',
      'DateTime: 2026-07-01T11:59:58Z',
      'imdn.Disposition-Notification: positive-delivery, negative-delivery',
      'Content-type: text/plain',
      'Content-length: 12',
      '',
      'Hello World',
    )
    const message = shown('message/cpim', sloppy)
    expect([message.child('body')?.text(), message.attr('id'), message.child('delay', 'urn:xmpp:delay')]).toEqual([
      'Hello World',
      '34jk324j',
      undefined,
    ])
  })
  test('a prefix may be called anything', () => {
    const body = lines('NS: x <urn:ietf:params:imdn>', 'x.Message-ID: m-7', 'y.Message-ID: m-8', '', 'Content-Type: text/plain', '', 'hi')
    expect(shown('message/cpim', body).attr('id')).toBe('m-7')
  })
  test('escapes are taken off', () => {
    const body = lines('Subject: a\\tb \\u03a9 \\\\ \\"c\\" \\x', '', 'Content-Type: text/plain', '', 'hi')
    expect(shown('message/cpim', body).child('subject')?.text()).toBe('a b Ω \\ "c" x')
  })
  test('lines may end in LF alone', () =>
    expect(textOf('message/cpim', 'From: <im:a@b.example>\n\nContent-Type: text/plain\n\nhi\n')).toBe('hi\n'))
  test('what it requires and we do not know is refused', () => {
    const body = lines('Require: MyFeatures.VitalMessageOption', '', 'Content-Type: text/plain', '', 'hi')
    expect(refusal('message/cpim', body).status).toBe(415)
    expect(textOf('message/cpim', body.replace('MyFeatures.VitalMessageOption', 'DateTime, Subject'))).toBe('hi')
  })
  for (const [what, body] of [
    ['without a content type', 'From: <im:a@b.example>\r\n\r\nhi'],
    ['with a header that is none', 'hello there\r\n\r\nContent-Type: text/plain\r\n\r\nhi'],
    ['with nothing', '\r\n'],
  ] as const) {
    test(`a wrapper ${what} is refused`, () => expect(refusal('message/cpim', body).status).toBe(400))
  }
})

describe('bodies of several parts', () => {
  const plain = ['Content-Type: text/plain', '', 'plain text']
  const html = ['Content-Type: text/html', '', '<p>rich text</p>']
  const picture = ['Content-Type: image/png', 'Content-Transfer-Encoding: base64', '', 'iVBORw0=']
  const parts = (...list: readonly (readonly string[])[]) => lines(...list.flatMap((part) => ['--b', ...part]), '--b--', '')

  test('plain rather than rich', () => {
    expect(textOf('multipart/alternative;boundary=b', parts(plain, html))).toBe('plain text')
    expect(textOf('multipart/alternative;boundary=b', parts(html, plain))).toBe('plain text')
  })
  test('rich where there is nothing else', () => expect(textOf('multipart/alternative;boundary=b', parts(html, picture))).toBe('rich text'))
  test('one body for each language', () => {
    const inLanguage = (lang: string, text: string) => ['Content-Type: text/plain', `Content-Language: ${lang}`, '', text]
    expect(bodies('multipart/alternative;boundary=b', parts(inLanguage('en', 'Hello'), inLanguage('cs', 'Ahoj')))).toEqual([
      [undefined, 'Hello'],
      ['cs', 'Ahoj'],
    ])
  })
  test('two texts one after the other are one', () =>
    expect(textOf('multipart/mixed;boundary=b', parts(plain, html))).toBe('plain text\nrich text'))
  test('a preamble, an epilogue and a longer boundary are nobody’s', () => {
    const body = lines('preamble', '--b', ...plain, '--bb', 'still text', '--b--', 'epilogue')
    expect(textOf('multipart/mixed; boundary="b"', body)).toBe('plain text\n--bb\nstill text')
  })
  test('of related parts the root is shown', () => {
    const root = ['Content-Type: text/html', 'Content-ID: <root>', '', '<p>root</p>']
    expect(textOf('multipart/related;boundary=b;start="<root>"', parts(picture, root))).toBe('root')
    expect(textOf('multipart/related;boundary=b', parts(plain, picture))).toBe('plain text')
  })
  test('CPIM around several parts', () => {
    const inner = lines('From: <im:a@b.example>', '', 'Content-Type: multipart/alternative;boundary=b', '', parts(plain, html))
    expect(textOf('message/cpim', inner)).toBe('plain text')
  })
  test('a part nobody here can show is missed', () => {
    const { status, headers } = refusal('multipart/mixed;boundary=b', parts(plain, picture))
    expect(status).toBe(415)
    expect(headers[0]?.[1]).toContain('text/plain')
  })
  test('unless it may be left out', () => {
    const optional = ['Content-Disposition: attachment;handling=optional', ...picture]
    expect(textOf('multipart/mixed;boundary=b', parts(plain, optional))).toBe('plain text')
  })
  test('alternatives that none can show are refused', () =>
    expect(refusal('multipart/alternative;boundary=b', parts(picture)).status).toBe(415))
})

describe('what cannot be shown is refused, in the words of SIP', () => {
  test('an unknown type: 415, and Accept says what would do', () => {
    const { status, headers } = refusal('application/vnd.3gpp.sms', 'x')
    expect(status).toBe(415)
    expect(headers).toEqual([
      [
        'Accept',
        'text/plain, text/html, message/cpim, multipart/mixed, multipart/alternative, multipart/related, application/im-iscomposing+xml, message/imdn+xml, application/xmpp+xml',
      ],
    ])
  })
  test('an unknown charset', () => {
    const { status, headers } = refusal('text/plain;charset=klingon', 'x')
    expect([status, headers[0]?.[1]]).toEqual([415, 'text/plain;charset=UTF-8, text/html;charset=UTF-8'])
  })
  test('a compressed body', () => {
    const { status, headers } = refusal('text/plain', 'x', { 'Content-Encoding': 'gzip' })
    expect([status, headers]).toEqual([415, [['Accept-Encoding', 'identity']]])
    expect(textOf('text/plain', 'x', { 'Content-Encoding': 'identity' })).toBe('x')
  })
  for (const [what, type, body] of [
    ['a body that is not UTF-8', 'text/plain', Buffer.from([0x68, 0xff])],
    ['a body without a type', undefined, 'x'],
    ['a type that is none', 'plain text', 'x'],
    ['a multipart without a boundary', 'multipart/mixed', 'x'],
    ['a multipart with too long a boundary', `multipart/mixed;boundary=${'b'.repeat(71)}`, 'x'],
    ['a multipart without an end', 'multipart/mixed;boundary=b', '--b\r\n\r\nx'],
    ['a multipart without a part', 'multipart/related;boundary=b', '--b--'],
    ['a part with a header that is none', 'multipart/mixed;boundary=b', '--b\r\nno colon\r\n\r\nx\r\n--b--'],
    ['a part with headers without end', 'multipart/mixed;boundary=b', `--b\r\n${'X: y\r\n'.repeat(4_000)}\r\nx\r\n--b--`],
    ['more parts than anybody sends', 'multipart/mixed;boundary=b', `${'--b\r\n\r\nx\r\n'.repeat(40)}--b--`],
  ] as const) {
    test(`${what}: 400`, () => expect(refusal(type, body).status).toBe(400))
  }
  test('wrappers inside each other without end', () => {
    let body = 'Content-Type: text/plain\r\n\r\nx'
    for (let i = 0; i < 10; i++) body = `Content-Type: multipart/mixed;boundary=b${i}\r\n\r\n--b${i}\r\n${body}\r\n--b${i}--`
    expect(refusal('multipart/mixed;boundary=a', `--a\r\n${body}\r\n--a--`).status).toBe(400)
  })
  test('parts of parts of parts, a few at each level', () => {
    const many = (boundary: string, inner: string) => `${`--${boundary}\r\n${inner}\r\n`.repeat(12)}--${boundary}--`
    const body = many('a', `Content-Type: multipart/mixed;boundary=b\r\n\r\n${many('b', '\r\nx')}`)
    expect(refusal('multipart/mixed;boundary=a', body).status).toBe(400)
  })
})

describe('when it was sent', () => {
  const stamp = (fields: Record<string, string>) => toStanza(fromRomeo(fields), making).xml.child('delay', 'urn:xmpp:delay')
  test('a Date long past is a delay, told by the domain that received it', () => {
    const delay = stamp({ Date: 'Wed, 01 Jul 2026 10:00:00 GMT' })
    expect([delay?.attr('stamp'), delay?.attr('from')]).toEqual(['2026-07-01T10:00:00Z', 'example.com'])
  })
  for (const [what, date] of [
    ['a moment ago', 'Wed, 01 Jul 2026 11:59:55 GMT'],
    ['in the future', 'Wed, 01 Jul 2026 13:00:00 GMT'],
    ['never', 'soon'],
  ] as const) {
    test(`a Date ${what} is none`, () => expect(stamp({ Date: date })).toBeUndefined())
  }
})

describe('who it is to and from', () => {
  test('a branch too long to be an id is replaced by its digest', () => {
    const id = toStanza(fromRomeo({ Via: `SIP/2.0/TCP x;branch=z9hG4bK${'0'.repeat(500)}` }), making).xml.attr('id')
    expect(id).toMatch(/^[A-Za-z0-9_-]{43}$/)
  })
  test('a request without a branch has an id all the same', () => {
    expect(toStanza(fromRomeo({ Via: 'SIP/2.0/TCP x' }), making).xml.attr('id')).toBe('tag-1')
  })
  test('the domain may want messages of type normal', () => {
    const message = toStanza(fromRomeo({}), { ...making, pagerType: (domain) => (domain === 'example.com' ? 'normal' : 'chat') })
    expect(message.xml.attr('type')).toBeUndefined()
  })
  test('whoever remembers Call-IDs gives the thread', () => {
    const message = toStanza(fromRomeo({}), { ...making, threadOf: (callId) => (callId === 'call-2' ? 'thread 2' : undefined) })
    expect(message.xml.child('thread')?.text()).toBe('thread 2')
  })
  test('without a memory there is no thread', () => expect(toStanza(fromRomeo({}), making).xml.child('thread')).toBeUndefined())
})
