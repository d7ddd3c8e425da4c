import { expect, test } from 'vitest'
import { schemesIn } from '../../src/sip/auth-params.ts'

for (const [what, field, expected] of [
  ['one is one', 'Digest realm="a", nonce="n"', ['Digest realm="a", nonce="n"']],
  ['two are two', 'Digest realm="a", nonce = "n",Digest realm="b"', ['Digest realm="a", nonce = "n"', 'Digest realm="b"']],
  ['of other schemes too', 'NTLM qop=auth, Digest realm="a"', ['NTLM qop=auth', 'Digest realm="a"']],
  [
    'a comma in quotes parts nothing',
    'Digest realm="a, Digest realm=b \\", Digest x=1"',
    ['Digest realm="a, Digest realm=b \\", Digest x=1"'],
  ],
  ['a quote without an end', 'Digest realm="a, Digest realm=b', ['Digest realm="a, Digest realm=b']],
  ['nothing', '', ['']],
] as const)
  test(`several credentials in one field: ${what}`, () => expect(schemesIn(field)).toEqual(expected))
