import { expect, test } from 'vitest'
import { blankStanza } from '../../src/log/blank-stanza.ts'

const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

for (const [what, secret, before] of [
  ['a PLAIN login', 'AGp1bGlldABzM2NyZXQ=', `<auth ${SASL} mechanism='PLAIN'>AGp1bGlldABzM2NyZXQ=</auth>`],
  ['a SCRAM answer', 'Yz1iaXdzLHI9', `<response ${SASL}>Yz1iaXdzLHI9</response>`],
  ['a SCRAM challenge', 'cj1meWtv', `<challenge ${SASL}>cj1meWtv</challenge>`],
  ['a SASL payload under a prefix', 'c2VjcmV0', `<s:auth xmlns:s='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>c2VjcmV0</s:auth>`],
  ['a login inside the stream that opened it', 'c2VjcmV0', `<?xml version='1.0'?><stream:stream to='a'><auth ${SASL}>c2VjcmV0</auth>`],
  [
    'a SASL2 login',
    'biwsbj11c2Vy',
    `<authenticate xmlns='urn:xmpp:sasl:2'><initial-response>biwsbj11c2Vy</initial-response></authenticate>`,
  ],
  [
    'a legacy login',
    's3cret',
    `<iq type='set'><query xmlns='jabber:iq:auth'><username>j</username><password>s3cret</password></query></iq>`,
  ],
  ['a legacy digest', '48fc78be', `<iq type='set'><query xmlns='jabber:iq:auth'><digest>48fc78be</digest></query></iq>`],
  ['a registration', 's3cret', `<iq type='set'><query xmlns='jabber:iq:register'><password>s3<![CDATA[cret]]></password></query></iq>`],
  ['a registration form', 's3cret', `<iq><x xmlns='jabber:x:data'><field var='password'><value>s3cret</value></field></x></iq>`],
  ['a private field of a form', 's3cret', `<iq><field type="text-private" var="x"><value>s3cret</value></field></iq>`],
  ['a direct invitation', 's3cret', `<message><x xmlns='jabber:x:conference' jid='r@c' password='s3cret'/></message>`],
  ['a component handshake', 'aaee83c2', `<handshake>aaee83c2</handshake>`],
  ['a login that was cut in the middle', 'AGp1', `<auth ${SASL} mechanism='PLAIN'>AGp1`],
  ['a tag that was cut in the middle', 's3cr', `<message><x password='s3cr`],
  ['elements inside a password', 's3cret', `<iq><password><b a='s3cret'>s3cret</b></password></iq>`],
] as const)
  test(`the log does not keep what is secret in ${what}`, () => {
    const after = blankStanza(before)
    expect(after).not.toContain(secret)
    expect(after).toContain('(blanked)')
    expect(after.slice(0, 6)).toBe(before.slice(0, 6))
  })

for (const stanza of [
  `<message to='romeo@montague.example' type='chat'><body>the password is &lt;swordfish&gt; > and = fine</body></message>`,
  `<iq type='result' id='1'><query xmlns='jabber:iq:version'><name>x</name></query></iq>`,
  `<presence/><presence type="unavailable"></presence>`,
  `<iq><jingle><reason><success/></reason></jingle><x><response>kept: it is no child of the stream</response></x></iq>`,
  `<auth ${SASL} mechanism='SCRAM-SHA-256'>=</auth>`,
  `<message><body>after</body></message><message><body>a secret</body></message>`,
  '',
])
  test(`the log keeps this as it is: ${stanza}`, () => {
    expect(blankStanza(stanza)).toBe(stanza)
  })

test('what follows a blanked password is kept', () => {
  expect(blankStanza('<iq><q><password>x</password><b>kept</b></q></iq><message><body>kept too</body></message>')).toBe(
    '<iq><q><password>(blanked)</password><b>kept</b></q></iq><message><body>kept too</body></message>',
  )
})

test('a hostile text of a quarter of a megabyte is passed in linear time', () => {
  for (const piece of ['<a b="', '<', "<a '", '<a /', '<![CDATA[', '</', '<a b=""'])
    for (const filler of [piece, `${piece} `]) {
      const begun = performance.now()
      blankStanza(filler.repeat(262_144 / filler.length))
      expect(performance.now() - begun).toBeLessThan(1_000)
    }
})
