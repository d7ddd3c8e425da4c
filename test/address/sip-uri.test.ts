/** RFC 3261 §19.1: what a SIP URI says, when two are the same, and how it is written. */
import { describe, expect, test } from 'vitest'
import { aorKey, SipUri, SipUriError } from '../../src/address/sip-uri.ts'

describe('what a URI says', () => {
  for (const [text, expected] of [
    // RFC 3261 §19.1.3
    ['sip:alice@atlanta.com', { user: 'alice', host: 'atlanta.com' }],
    ['sip:alice:secretword@atlanta.com;transport=tcp', { user: 'alice', password: 'secretword', host: 'atlanta.com', transport: 'tcp' }],
    ['sips:alice@atlanta.com?subject=project%20x&priority=urgent', { scheme: 'sips', user: 'alice' }],
    ['sip:+1-212-555-1212:1234@gateway.com;user=phone', { user: '+1-212-555-1212', password: '1234', host: 'gateway.com' }],
    ['sips:1212@gateway.com', { scheme: 'sips', user: '1212', host: 'gateway.com' }],
    ['sip:alice@192.0.2.4', { user: 'alice', host: '192.0.2.4' }],
    ['sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com', { user: undefined, host: 'atlanta.com' }],
    ['sip:alice;day=tuesday@atlanta.com', { user: 'alice;day=tuesday', host: 'atlanta.com' }],
    // RFC 4475
    [
      "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
      {
        user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
        password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
        host: 'example.com',
      },
    ],
    ['sip:sips%3Auser%40example.com@example.net', { user: 'sips:user@example.com', host: 'example.net' }],
    ['sip:I%20have%20spaces@example.net', { user: 'I have spaces', host: 'example.net' }],
    ['sip:null-%00-null@example.com', { user: 'null-\u0000-null', host: 'example.com' }],
    ['sip:%00@host5.example.com', { user: '\u0000', host: 'host5.example.com' }],
    ['sip:user;par=u%40example.net@example.com', { user: 'user;par=u@example.net', host: 'example.com' }],
    ['sip:user@example.com?Route=%3Csip:example.com%3E', { user: 'user', host: 'example.com' }],
    // RFC 5118
    ['sip:[2001:db8::10]', { user: undefined, host: '[2001:db8::10]', port: undefined }],
    ['sip:user@[2001:DB8::10]:5070', { user: 'user', host: '[2001:db8::10]', port: 5070 }],
    ['sip:[2001:db8::10:5070]', { host: '[2001:db8::10:5070]', port: undefined }],
    ['sip:user@[::ffff:192.0.2.10]:19823', { host: '[::ffff:c000:20a]', port: 19823 }],
    // elsewhere
    ['SIP:Romeo@EXAMPLE.net:5061', { scheme: 'sip', user: 'Romeo', host: 'example.net', port: 5061 }],
    ['sip:juliet@xmpp.example;gr=balcony%20%C3%BC', { user: 'juliet', gr: 'balcony \u00fc' }],
    ['sip:k29mHHg@example.com;gr', { user: 'k29mHHg', gr: undefined }],
    ['sip:f%C3%BC@sip.example', { user: 'f\u00fc' }],
    ['sip:f\u00fc@b\u00fccher.example', { user: 'f\u00fc', host: 'xn--bcher-kva.example' }],
    ['sip:*72#@pbx.example', { user: '*72#' }],
    ['sip:100%25@pbx.example', { user: '100%' }],
    ['sip:alice@example.com.', { host: 'example.com' }],
    ['sip:alice@_internal.pbx_1', { host: '_internal.pbx_1' }],
    ['sip:a@b?x=y;z', { host: 'b' }],
  ] as const) {
    test(`${JSON.stringify(text)}`, () => expect(SipUri.parse(text)).toMatchObject(expected))
  }

  test('escapes in the names of parameters count for nothing (RFC 4475 §3.1.1.4)', () => {
    const uri = SipUri.parse('sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31')
    expect(uri.user).toBe('caller')
    expect(uri.params).toEqual([
      { name: 'lr', value: undefined },
      { name: 'name', value: 'value%41' },
    ])
    expect(uri.toString()).toBe('sip:caller@host5.example.net;lr;name=value%2541')
  })
  test('headers are kept in their order, decoded', () => {
    expect(SipUri.parse('sips:alice@atlanta.com?subject=project%20x&priority=urgent&Empty=').headers).toEqual([
      { name: 'subject', value: 'project x' },
      { name: 'priority', value: 'urgent' },
      { name: 'Empty', value: '' },
    ])
  })
  test('parameters are found whatever their case', () => {
    const uri = SipUri.parse('sip:a@b;Transport=TCP;MAddr=192.0.2.1;lr')
    expect([uri.transport, uri.param('maddr'), uri.param('lr'), uri.param('absent')]).toEqual(['tcp', '192.0.2.1', undefined, undefined])
  })
})

describe('what is no SIP URI', () => {
  for (const [text, why] of [
    ['', 'nothing is there'],
    ['alice@example.com', 'there is no scheme'],
    ['tel:+12125551212', 'tel is another scheme'],
    ['nobodyKnowsThisScheme:totallyopaquecontent', 'nobody knows the scheme'],
    ['soap.beep://192.0.2.103:3002', 'it is about something else'],
    ['sip:', 'there is no host'],
    ['sip:@example.com', 'the user is empty'],
    ['sip::pw@example.com', 'the user is empty'],
    ['sip:alice@', 'there is no host'],
    ['sip:a@b@c', 'a second @'],
    ['<sip:user@example.com>', 'angle brackets are not part of it'],
    ['sip:user@example.com; lr', 'a space'],
    ['sip:a"b@example.com', 'a quote'],
    ['sip:a\r\nVia: x@example.com', 'a line break'],
    ['sip:a\u0000b@example.com', 'a bare NUL'],
    ['sip:a%4@example.com', 'half an escape'],
    ['sip:a%zz@example.com', 'an escape that is not hexadecimal'],
    ['sip:a%@example.com', 'an escape cut short'],
    ['sip:a%ff@example.com', 'bytes that are not UTF-8'],
    ['sip:a%c0%80@example.com', 'an overlong NUL'],
    ['sip:a%ed%a0%80@example.com', 'half a surrogate pair'],
    ['sip:a@example.com:', 'an empty port'],
    ['sip:a@example.com:99999', 'a port that cannot be'],
    ['sip:a@example.com:50x', 'a port that is no number'],
    ['sip:a@example..com', 'an empty label'],
    ['sip:a@exa%6dple.com', 'hosts are not escaped'],
    ['sip:a@[::1', 'the bracket is not closed'],
    ['sip:a@[2001:db8:::192.0.2.1]', 'three colons (RFC 5118 §4.10 calls them an old error)'],
    ['sip:a@2001:db8::10', 'IPv6 without brackets'],
    ['sip:a@example.com;', 'a parameter without a name'],
    ['sip:a@example.com;;lr', 'a parameter without a name'],
    ['sip:a@example.com;=x', 'a parameter without a name'],
    ['sip:a@example.com?', 'a header without a name'],
    [`sip:${'a'.repeat(20_000)}@example.com`, 'it is too long'],
  ] as const) {
    test(`${JSON.stringify(text.slice(0, 60))}: ${why}`, () => expect(() => SipUri.parse(text)).toThrow(SipUriError))
  }
})

describe('how a URI is written', () => {
  for (const text of [
    'sip:alice;day=tuesday@atlanta.com',
    "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
    'sip:sips%3Auser%40example.com@example.net',
    'sip:null-%00-null@example.com',
    'sip:user;par=u%40example.net@example.com',
    'sip:user@example.com?Route=%3Csip:example.com%3E',
    'sip:user@[2001:db8::10]:5070;transport=tcp;lr',
    'sips:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:a@b;gr=x%3Dy%3Bz%20%C3%BC/[:&+$]',
  ]) {
    test(`${text} comes back as it was`, () => expect(SipUri.parse(text).toString()).toBe(text))
  }
  test('nothing that a user is called breaks out of its place', () => {
    const every = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('')
    const uri = SipUri.of(every, 'example.com', { gr: every, params: [{ name: 'x', value: every }] })
    expect(uri.toString()).not.toMatch(/[\x00-\x20\x7f"<>\\^`{|}]/)
    const again = SipUri.parse(uri.toString())
    expect([again.user, again.gr, again.param('x'), again.host]).toEqual([every, every, every, 'example.com'])
  })
  test('escapes are written in capitals, and only where they are needed', () => {
    expect(SipUri.of('tsch\u00fcss', 'xmpp.example').toString()).toBe('sip:tsch%C3%BCss@xmpp.example')
    expect(SipUri.parse('sip:%61l%69ce@a').toString()).toBe('sip:alice@a')
  })
  test('parts are checked like whole URIs', () => {
    expect(SipUri.of('a', 'B\u00dcCHER.example', { scheme: 'sips', port: 5061 }).toString()).toBe('sips:a@xn--bcher-kva.example:5061')
    expect(() => SipUri.of('', 'example.com')).toThrow(SipUriError)
    expect(() => SipUri.of('a', 'b;lr')).toThrow(SipUriError)
    expect(() => SipUri.of('a', 'b\r\n')).toThrow(SipUriError)
    expect(() => SipUri.of('a', 'b', { port: 65_536 })).toThrow(SipUriError)
    expect(() => SipUri.of('a', 'b', { params: [{ name: '', value: 'x' }] })).toThrow(SipUriError)
  })
  test('names of parameters given as parts are found like parsed ones', () => {
    expect(SipUri.of('a', 'b', { params: [{ name: 'OB', value: undefined }] }).toString()).toBe('sip:a@b;ob')
  })
})

describe('comparison (RFC 3261 §19.1.4)', () => {
  for (const [a, b] of [
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    ['sip:alice@atlanta.com?subject=project%20x&priority=urgent', 'sip:alice@atlanta.com?priority=urgent&subject=project%20x'],
    ['sip:a@b;lr', 'sip:a@b;LR'],
    ['sip:a@[::1]', 'sip:a@[0:0:0:0:0:0:0:1]'],
  ] as const) {
    test(`${a} is ${b}`, () => {
      expect(SipUri.parse(a).equals(SipUri.parse(b))).toBe(true)
      expect(SipUri.parse(b).equals(SipUri.parse(a))).toBe(true)
    })
  }
  for (const [a, b, why] of [
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP', 'users have case'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060', 'a default port is not the same as none'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp', 'a default transport is not the same as none'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp', 'port and transport'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting', 'headers are never ignored'],
    ['sip:carol@chicago.com?a=1', 'sip:carol@chicago.com?a=2', 'headers have values'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off', 'both sides have it'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4', 'names are not looked up'],
    ['sip:a@b;user=phone', 'sip:a@b', 'user= is never ignored'],
    ['sip:a@b', 'sip:a@b;maddr=192.0.2.1', 'maddr is never ignored'],
    ['sip:a@b;ttl=1', 'sip:a@b', 'ttl is never ignored'],
    ['sip:a@b', 'sips:a@b', 'another scheme'],
    ['sip:a:x@b', 'sip:a@b', 'a password'],
    ['sip:null-%00-null@b', 'sip:null-@b', 'NUL ends nothing (RFC 4475 §3.1.1.5)'],
    ['sip:a%40b@c', 'sip:a@c', 'an escaped @ belongs to the user'],
  ] as const) {
    test(`${a} is not ${b}: ${why}`, () => {
      expect(SipUri.parse(a).equals(SipUri.parse(b))).toBe(false)
      expect(SipUri.parse(b).equals(SipUri.parse(a))).toBe(false)
    })
  }
})

describe('the key of an account', () => {
  for (const [text, key] of [
    ['sip:romeo@example.com', 'romeo@example.com'],
    ['sips:ROMEO@EXAMPLE.com:5061;transport=tls;gr=x?a=b', 'romeo@example.com'],
    ['sip:%72omeo@example.com', 'romeo@example.com'],
    ['sip:J%C3%9CRGEN@example.com', 'j\u00fcrgen@example.com'],
    ['sip:ju%CC%88rgen@example.com', 'j\u00fcrgen@example.com'],
    ['sip:%EF%BD%92omeo@example.com', 'romeo@example.com'],
    ['sip:a%40b@c', 'a\\40b@c'],
    ["sip:o'malley@c", 'o\\27malley@c'],
    ['sip:a@b\u00fccher.example', 'a@xn--bcher-kva.example'],
    ['sip:example.com;gr=x', 'example.com'],
    ['sip:[::1]', '[::1]'],
  ] as const) {
    test(`${text} is found under ${key}`, () => expect(SipUri.parse(text).aor).toBe(key))
  }
  test('no two users share a key but by case', () => {
    const users = ['a@b', 'a\\40b', 'a\\5c40b', 'a%40b', 'a', 'a\u0000', '\\5cx', '\\5Cx', '\\x', ' a', 'a ']
    expect(new Set(users.map((user) => aorKey(user, 'c'))).size).toBe(users.length)
  })
})

describe('a URI made from another', () => {
  const uri = SipUri.parse('sips:romeo:pw@example.com:5061;transport=tcp;gr=orchard;lr?x=y')
  test('bare is the account alone', () => {
    expect(uri.bare.toString()).toBe('sips:romeo@example.com')
    expect(uri.bare).toBe(uri.bare)
    expect(uri.bare.bare).toBe(uri.bare)
  })
  test('withGr names another device, or none', () => {
    expect(uri.withGr('garden gate').toString()).toBe('sips:romeo:pw@example.com:5061;transport=tcp;lr;gr=garden%20gate?x=y')
    expect(uri.withGr(undefined).gr).toBeUndefined()
    expect(uri.bare.withGr('x').gr).toBe('x')
    expect(uri.gr).toBe('orchard')
  })
})
