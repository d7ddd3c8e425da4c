/** A stream as a connection sees it: however its bytes are cut, from its header to its end and to the next stream on the same connection. */
import { describe, expect, test } from 'vitest'
import type { Element } from '../../src/xml/element.ts'
import { XML_LIMITS } from '../../src/xml/limits.ts'
import { HEADER, opened, pieces, Recording, refusal } from './recording.ts'

const SAMPLE = Buffer.from(
  `<?xml version='1.0' encoding='UTF-8'?>\n${HEADER} \n` +
    "<message to='romeo@montague.example' id=\"it's\" a='x>y/>&lt;&#x1F600;'><body>Ρωμαίε 😀 &amp; ]] &gt; äß</body><x:y xmlns:x='urn:x' x:z='ζ'/></message>\r\n" +
    "<presence/><iq type='get' id='1'><query xmlns='jabber:iq:roster'/>\n</iq><Ω属><![CDATA[<€]>]]><a ></a\n></Ω属> </stream:stream >",
)
const WHOLE = new Recording().push(SAMPLE).events

test('the sample reads as it was meant', () => {
  expect(WHOLE).toEqual([
    "opened <stream xmlns='http://etherx.jabber.org/streams' to='capulet.example' version='1.0'/>",
    "<message to='romeo@montague.example' id='it&apos;s' a='x&gt;y/&gt;&lt;😀'><body>Ρωμαίε 😀 &amp; ]] &gt; äß</body><y xmlns='urn:x' xmlns:ns1='urn:x' ns1:z='ζ'/></message>",
    '<presence/>',
    "<iq type='get' id='1'><query xmlns='jabber:iq:roster'/>\n</iq>",
    '<Ω属>&lt;€]&gt;<a/></Ω属>',
    'closed',
  ])
})

test('a stream cut in two at any byte is the same stream', () => {
  for (let at = 0; at <= SAMPLE.length; at++) {
    expect(new Recording().push(SAMPLE.subarray(0, at), SAMPLE.subarray(at)).events, `cut at ${at}`).toEqual(WHOLE)
  }
})

test('a stream cut in three at any two bytes is the same stream', () => {
  for (let first = 0; first < SAMPLE.length; first += 3) {
    for (let second = first + 1; second < Math.min(SAMPLE.length, first + 40); second++) {
      const parts = [SAMPLE.subarray(0, first), SAMPLE.subarray(first, second), SAMPLE.subarray(second)]
      expect(new Recording().push(...parts).events, `cut at ${first} and ${second}`).toEqual(WHOLE)
    }
  }
})

test.each([1, 2, 3, 5, 7, 13, 64])('a stream in pieces of %i bytes is the same stream', (size) => {
  expect(new Recording().push(...pieces(SAMPLE, size)).events).toEqual(WHOLE)
})

test('a stanza is delivered as soon as its last byte is there', () => {
  const stream = opened().push('<message><body>now</body></message')
  expect(stream.elements).toHaveLength(0)
  stream.push('>')
  expect(stream.elements).toHaveLength(1)
})

test('a chunk far larger than what is decoded at once arrives whole', () => {
  const stanza = `<message><body>${'Ω'.repeat(5_000)}</body></message>`
  const stream = opened().push(Buffer.from(stanza.repeat(20)))
  expect(stream.elements).toHaveLength(20)
  expect(stream.elements[19]?.child('body')?.text()).toBe('Ω'.repeat(5_000))
})

test('white space between stanzas keeps the connection alive and is never counted', () => {
  const stream = opened({ ...XML_LIMITS, stanzaMaxBytes: 10_000 })
  for (let i = 0; i < 1_000; i++) stream.push(' \r\n\t'.repeat(100))
  stream.push('<presence/>')
  expect(stream.elements).toHaveLength(1)
})

test('characters between stanzas are refused', () => {
  for (const xml of ['x', 'é', '😀', '&amp;', '<![CDATA[ ]]>', '<presence/>.'])
    expect(refusal(() => opened().push(xml)).condition, xml).toBe('bad-format')
})

test('the root tells its attributes, and the parser what it declares', () => {
  const stream = new Recording().push(
    "<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback' from='a'>",
  )
  expect(stream.root).toMatchObject({ name: 'stream', ns: 'http://etherx.jabber.org/streams', attrs: ['from', 'a'], children: [] })
  expect(stream.parser.namespaceFor('')).toBe('jabber:server')
  expect(stream.parser.namespaceFor('db')).toBe('jabber:server:dialback')
  expect(stream.parser.namespaceFor('x')).toBeUndefined()
})

test('a stream without prefixes is a stream too', () => {
  const stream = new Recording().push(
    "<stream xmlns='http://etherx.jabber.org/streams'><message xmlns='jabber:client'><body/></message></stream>",
  )
  expect(stream.elements[0]?.child('body', 'jabber:client')).toBeDefined()
  expect(stream.isClosed).toBe(true)
})

test('an empty root opens and closes', () => {
  expect(new Recording().push('<stream/>').events).toEqual(['opened <stream/>', 'closed'])
})

test('the content namespace under a prefix is bad-namespace-prefix', () => {
  expect(refusal(() => opened().push("<c:message xmlns:c='jabber:client'/>")).condition).toBe('bad-namespace-prefix')
  expect(refusal(() => opened().push("<message><c:body xmlns:c='jabber:client'/></message>")).condition).toBe('bad-namespace-prefix')
  expect(opened().push("<s:message xmlns:s='jabber:server'/>").elements).toHaveLength(1)
})

describe('before the header', () => {
  test.each([
    ['a declaration', "<?xml version='1.0'?>"],
    ['a declaration with everything', '<?xml\tversion = "1.0"\nencoding="utf-8" standalone=\'yes\' ?>\n'],
    ['a declaration that says standalone no', "<?xml version='1.0' standalone='no'?>"],
    ['nothing but white space', ' \r\n'],
  ])('%s is let through, however it is cut', (_what, prolog) => {
    expect(new Recording().push(prolog + HEADER).root).toBeDefined()
    expect(new Recording().push(...pieces(Buffer.from(prolog + HEADER), 1)).root).toBeDefined()
  })

  test.each([
    ['another encoding', "<?xml version='1.0' encoding='UTF-16'?>", 'unsupported-encoding'],
    ['Latin-1', "<?xml version='1.0' encoding='iso-8859-1'?>", 'unsupported-encoding'],
    ['another version', "<?xml version='1.1'?>", 'not-well-formed'],
    ['no version', "<?xml encoding='utf-8'?>", 'not-well-formed'],
    ['a declaration after white space', " <?xml version='1.0'?>", 'restricted-xml'],
    ['two declarations', "<?xml version='1.0'?><?xml version='1.0'?>", 'restricted-xml'],
    ['a declaration that never ends', `<?xml version='1.0'${' '.repeat(300)}`, 'not-well-formed'],
    ['a stylesheet', "<?xml-stylesheet href='x'?>", 'restricted-xml'],
    ['a comment', '<!-- hello -->', 'restricted-xml'],
    ['a document type', '<!DOCTYPE stream>', 'restricted-xml'],
    ['a byte order mark', '\ufeff', 'not-well-formed'],
    ['UTF-16 without a mark', Buffer.from("<?xml version='1.0'?>", 'utf16le'), 'unsupported-encoding'],
    ['UTF-16, big end first', Buffer.from(Buffer.from("<?xml version='1.0'?>", 'utf16le').swap16()), 'unsupported-encoding'],
    ['UTF-16 with its mark', Buffer.from("\ufeff<?xml version='1.0'?>", 'utf16le'), 'unsupported-encoding'],
    ['an HTTP request', 'GET / HTTP/1.1\r\n\r\n', 'not-well-formed'],
    ['a SIP request', 'OPTIONS sip:a SIP/2.0\r\n\r\n', 'not-well-formed'],
    ['a TLS hello', Buffer.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]), 'unsupported-encoding'],
    ['an end tag', '</stream>', 'not-well-formed'],
    ['CDATA', '<![CDATA[x]]>', 'not-well-formed'],
  ])('%s is refused', (_what, prolog, condition) => {
    const bytes = Buffer.concat([Buffer.from(prolog), Buffer.from(HEADER)])
    expect(refusal(() => new Recording().push(bytes)).condition).toBe(condition)
  })
})

describe('after the end', () => {
  test('what follows the end tag is dropped', () => {
    const stream = opened().push('</stream:stream><message/>')
    stream.push('<message/>', '&&&')
    expect(stream.events.slice(1)).toEqual(['closed'])
  })

  test('what follows a refusal is dropped, so that it is refused once', () => {
    const stream = opened()
    refusal(() => stream.push('<presence/><a></b><presence/>'))
    stream.push('<presence/>', '</a></a>')
    expect(stream.elements).toHaveLength(1)
  })

  test('a fault in the connection itself ends the stream too', () => {
    const stream = opened()
    stream.onElement = () => {
      throw new TypeError('a fault of ours')
    }
    expect(() => stream.push('<presence/><presence/>')).toThrow('a fault of ours')
    stream.push('<presence/>')
    expect(stream.elements).toHaveLength(1)
  })
})

describe('holding', () => {
  const upon = (stream: Recording, name: string, act: (element: Element) => void) => {
    stream.onElement = (element) => {
      if (element.name === name) act(element)
    }
    return stream
  }

  test('nothing is read after the element in which the connection held', () => {
    const stream = upon(opened(), 'auth', () => stream.parser.hold())
    stream.push('<auth/><message/><iq/>')
    expect(stream.elements.map((element) => element.name)).toEqual(['auth'])
    stream.push('<presence/>')
    stream.parser.resume()
    expect(stream.elements.map((element) => element.name)).toEqual(['auth', 'message', 'iq', 'presence'])
    stream.push('<iq/>')
    expect(stream.elements).toHaveLength(5)
  })

  test('holding in the middle of a stanza loses none of it', () => {
    const stream = opened().push("<message id='")
    stream.parser.hold()
    stream.push("1'><bo")
    stream.push('dy/></message>')
    expect(stream.elements).toHaveLength(0)
    stream.parser.resume()
    expect(stream.events[1]).toBe("<message id='1'><body/></message>")
  })

  test.each([1, 7, 4_096, 100_000])('what was pipelined behind starttls is handed over whole, in pieces of %i bytes', (size) => {
    const pipelined = `<iq>${'é'.repeat(10_000)}</iq>`
    const stream = upon(opened(), 'starttls', () => stream.parser.hold())
    stream.push(...pieces(Buffer.from(`<starttls/>${pipelined}`), size))
    expect(stream.parser.takeRest()?.toString()).toBe(pipelined)
    expect(stream.parser.takeRest()).toBeUndefined()
  })

  test('the rest can be taken inside the callback', () => {
    const rests: (string | undefined)[] = []
    const stream = upon(opened(), 'starttls', () => {
      stream.parser.hold()
      rests.push(stream.parser.takeRest()?.toString())
    })
    stream.push(`<starttls/>\n<é/>${' '.repeat(20_000)}<b`)
    expect(rests).toEqual([`\n<é/>${' '.repeat(20_000)}<b`])
    expect(stream.parser.takeRest()).toBeUndefined()
    stream.parser.restart()
    stream.parser.resume()
    stream.push(HEADER, '<presence/>')
    expect(stream.elements.map((element) => element.name)).toEqual(['starttls', 'presence'])
  })

  test('there is no rest where nothing was pipelined', () => {
    const stream = upon(opened(), 'starttls', () => stream.parser.hold())
    expect(stream.push('<starttls/>').parser.takeRest()).toBeUndefined()
  })

  test('a character cut in the middle is in the rest', () => {
    const stream = upon(opened(), 'starttls', () => stream.parser.hold())
    stream.push(Buffer.concat([Buffer.from('<starttls/>é'), Buffer.from([0xe2, 0x82])]))
    expect(stream.parser.takeRest()).toEqual(Buffer.from([0xc3, 0xa9, 0xe2, 0x82]))
  })

  test('hold and resume in one callback change nothing', () => {
    const stream = upon(opened(), 'auth', () => {
      stream.parser.hold()
      stream.parser.resume()
    })
    stream.push('<auth/><message/>')
    expect(stream.elements).toHaveLength(2)
  })

  test('what is resumed is refused as what is pushed', () => {
    const stream = upon(opened(), 'auth', () => stream.parser.hold())
    stream.push('<auth/><a></b>')
    expect(refusal(() => stream.parser.resume()).condition).toBe('not-well-formed')
  })

  test('who sends without end while the parser is held is refused', () => {
    const stream = upon(opened({ ...XML_LIMITS, heldMaxBytes: 1_000 }), 'auth', () => stream.parser.hold())
    stream.push('<auth/>')
    for (let i = 0; i < 10; i++) stream.push(' '.repeat(100))
    expect(refusal(() => stream.push(' ')).condition).toBe('policy-violation')
    stream.parser.resume()
    expect(stream.elements).toHaveLength(1)
  })
})

describe('a new stream on the same connection', () => {
  const NEXT = `<?xml version='1.0'?>${HEADER.replace('jabber:client', 'jabber:server')}<presence/>`

  test('begins with a header of its own', () => {
    const stream = opened().push('<auth/>')
    stream.parser.restart()
    stream.push(NEXT)
    expect(stream.events).toHaveLength(4)
    expect(stream.parser.namespaceFor('')).toBe('jabber:server')
  })

  test('may begin in the chunk of the element that ended the old one', () => {
    const stream = opened()
    stream.onElement = (element) => {
      if (element.name === 'auth') stream.parser.restart()
    }
    stream.push(`<auth/>${NEXT}`)
    expect(stream.elements.map((element) => element.name)).toEqual(['auth', 'presence'])
  })

  test('may begin with what was pipelined while the password was checked', () => {
    const stream = opened()
    stream.onElement = (element) => {
      if (element.name === 'auth') stream.parser.hold()
    }
    stream.push(`<auth/>${NEXT.slice(0, 60)}`)
    stream.parser.restart()
    stream.push(NEXT.slice(60))
    stream.parser.resume()
    expect(stream.elements.map((element) => element.name)).toEqual(['auth', 'presence'])
  })

  test('forgives the line end that belonged to the old one', () => {
    const stream = opened().push('<auth/>')
    stream.parser.restart()
    stream.push('\r\n', '\n', NEXT)
    expect(stream.elements).toHaveLength(2)
  })

  test('knows nothing of the prefixes of the old one', () => {
    const stream = opened()
    stream.parser.restart()
    expect(refusal(() => stream.push("<stream:stream xmlns='jabber:client'>")).condition).toBe('not-well-formed')
  })
})
