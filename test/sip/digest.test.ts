/** Digest authentication of telephones, from both sides; the examples of RFC 7616 §3.9.1 first. */
import { describe, expect, test } from 'vitest'
import { type Claim, claimFor, Digest, defaultDigest } from '../../src/sip/digest.ts'
import { bestChallenge, DigestAnswers } from '../../src/sip/digest-client.ts'
import { ha1, responseOf } from '../../src/sip/digest-hash.ts'

const SECRET = Buffer.from('a secret of the server')
const REALM = 'xmpp.example'
const URI = 'sip:xmpp.example'

/** A server with a clock of its own, and romeo's telephone. */
function town() {
  const clock = { now: 1_700_000_000_000 }
  const server = new Digest(SECRET, () => clock.now)
  const telephone = (fields = server.challenge(REALM), password = 'montague') => {
    const challenge = bestChallenge(fields)
    if (!challenge) throw new Error('no challenge to answer')
    return new DigestAnswers(challenge, 'romeo', password)
  }
  const check = (field: string, method = 'REGISTER') => {
    const claim = claimed(field)
    return server.check(claim, method, ha1(claim.algorithm, 'romeo', REALM, 'montague'))
  }
  return { clock, server, telephone, check }
}

function claimed(field: string): Claim {
  const claim = claimFor(REALM, [field])
  if (!claim) throw new Error(`no claim in ${field}`)
  return claim
}

describe('the examples of RFC 7616', () => {
  const example = {
    method: 'GET',
    uri: '/dir/index.html',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    counted: { cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ', nc: '00000001' },
  }
  for (const [algorithm, response] of [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const) {
    test(`Mufasa's password under ${algorithm} gives the response of the RFC`, () => {
      const secret = ha1(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life')
      expect(responseOf(secret, { ...example, algorithm })).toBe(response)
    })

    test(`a browser that was challenged with ${algorithm} says what the RFC prints`, () => {
      const challenge = bestChallenge([
        `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="${example.nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
      ])
      if (!challenge) throw new Error('not understood')
      const field = new DigestAnswers(challenge, 'Mufasa', 'Circle of Life', () => example.counted.cnonce).answer('GET', example.uri)
      expect(field).toContain(`response="${response}"`)
      expect(field).toContain('nc=00000001')
      expect(field).toContain('opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"')
    })
  }
})

test('SHA-256 is offered before MD5, each in a field of its own', () => {
  const fields = town().server.challenge(REALM)
  expect(fields).toHaveLength(2)
  expect(fields[0]).toMatch(/^Digest realm="xmpp\.example", nonce="[^"]+", algorithm=SHA-256, qop="auth"$/)
  expect(fields[1]).toContain('algorithm=MD5')
})

for (const algorithm of ['SHA-256', 'MD5'] as const) {
  test(`romeo's telephone is let in with ${algorithm}, as often as it counts on`, () => {
    const { server, telephone, check } = town()
    const fields = server.challenge(REALM).filter((field) => field.includes(`algorithm=${algorithm}`))
    const answers = telephone(fields)
    expect(check(answers.answer('REGISTER', URI))).toBe('right')
    expect(check(answers.answer('REGISTER', URI))).toBe('right')
    expect(check(answers.answer('MESSAGE', 'sip:juliet@xmpp.example'), 'MESSAGE')).toBe('right')
  })
}

test('a telephone that knows neither qop nor algorithm is let in by the form of RFC 2069', () => {
  const { server, telephone, check } = town()
  const nonce = /nonce="([^"]+)"/.exec(server.challenge(REALM)[0] ?? '')?.[1]
  const field = telephone([`Digest realm="${REALM}", nonce="${nonce}"`]).answer('REGISTER', URI)
  expect(field).not.toMatch(/qop|cnonce|nc=/)
  expect(check(field)).toBe('right')
})

test('a wrong password is wrong, whatever the nonce', () => {
  const { clock, telephone, check } = town()
  const field = telephone(undefined, 'capulet').answer('REGISTER', URI)
  expect(check(field)).toBe('wrong')
  clock.now += 3_600_000
  expect(check(field)).toBe('wrong')
})

test('a name nobody has is as wrong as a wrong password', () => {
  const { server, telephone } = town()
  expect(server.check(claimed(telephone().answer('REGISTER', URI)), 'REGISTER', undefined)).toBe('wrong')
})

test('the answer for one method does not open another', () => {
  const { telephone, check } = town()
  expect(check(telephone().answer('REGISTER', URI), 'MESSAGE')).toBe('wrong')
})

test('an answer that is overheard and sent again is stale', () => {
  const { telephone, check } = town()
  const field = telephone().answer('REGISTER', URI)
  expect(check(field)).toBe('right')
  expect(check(field)).toBe('stale')
})

test('answers that overtake each other on the way are all right, once', () => {
  const { telephone, check } = town()
  const answers = telephone()
  const fields = Array.from({ length: 40 }, () => answers.answer('REGISTER', URI))
  const [first, second, third] = fields
  const last = fields[39]
  if (!first || !second || !third || !last) throw new Error('not enough answers')
  expect([second, first, third, second].map((field) => check(field))).toEqual(['right', 'right', 'right', 'stale'])
  expect(check(last)).toBe('right')
  // Too far behind to know whether it was used.
  expect(check(fields[5] ?? '')).toBe('stale')
  expect(check(fields[20] ?? '')).toBe('right')
})

test('after five minutes a nonce is stale, and the new challenge says so', () => {
  const { clock, server, telephone, check } = town()
  const answers = telephone()
  clock.now += 300_001
  expect(check(answers.answer('REGISTER', URI))).toBe('stale')
  const fields = server.challenge(REALM, true)
  expect(fields.every((field) => field.endsWith('stale=true'))).toBe(true)
  expect(bestChallenge(fields)?.isStale).toBe(true)
  expect(check(telephone(fields).answer('REGISTER', URI))).toBe('right')
})

test('a nonce that another server made, or that was touched, is stale', () => {
  const { telephone, check } = town()
  const other = new Digest(Buffer.from('another secret'), () => 1_700_000_000_000)
  expect(check(telephone(other.challenge(REALM)).answer('REGISTER', URI))).toBe('stale')
  expect(
    check(
      telephone(
        town()
          .server.challenge('elsewhere.example')
          .map((field) => field.replace('elsewhere.example', REALM)),
      ).answer('REGISTER', URI),
    ),
  ).toBe('stale')
})

test('a count that went out of memory is not accepted a second time', () => {
  const clock = { now: 1_700_000_000_000 }
  const server = new Digest(SECRET, () => clock.now, { ...defaultDigest, noncesMax: 10 })
  const check = (field: string) => server.check(claimed(field), 'REGISTER', ha1('SHA-256', 'romeo', REALM, 'montague'))
  const answer = () => {
    const challenge = bestChallenge(server.challenge(REALM))
    if (!challenge) throw new Error('no challenge')
    return new DigestAnswers(challenge, 'romeo', 'montague').answer('REGISTER', URI)
  }
  const overheard = answer()
  expect(check(overheard)).toBe('right')
  for (let n = 0; n < 20; n++) {
    clock.now++
    expect(check(answer())).toBe('right')
  }
  expect(check(overheard)).toBe('stale')
})

describe('credentials that cannot be read count as none', () => {
  for (const [why, field] of [
    ['of another realm', 'Digest username="a", realm="b", nonce="c", uri="d", response="e"'],
    ['of an unknown scheme (RFC 4475 §3.3.7)', 'NoOneKnowsThisScheme opaque-data=here'],
    ['Basic', 'Basic cm9tZW86bW9udGFndWU='],
    ['without a response', 'Digest username="a", realm="xmpp.example", nonce="c", uri="d"'],
    ['with an open quote', 'Digest username="a", realm="xmpp.example'],
    ['with a name twice', 'Digest username="a", username="b", realm="xmpp.example", nonce="c", uri="d", response="e"'],
    ['of an unknown algorithm', 'Digest username="a", realm="xmpp.example", nonce="c", uri="d", response="e", algorithm=SHA-9'],
    ['with auth-int', 'Digest username="a", realm="xmpp.example", nonce="c", uri="d", response="e", qop=auth-int, nc=00000001, cnonce="x"'],
    [
      'with a count that is none',
      'Digest username="a", realm="xmpp.example", nonce="c", uri="d", response="e", qop=auth, nc=one, cnonce="x"',
    ],
  ] as const) {
    test(why, () => expect(claimFor(REALM, [field])).toBeUndefined())
  }

  test('and one that can be read is found behind them', () => {
    const good = 'DIGEST username="r\\"o", realm="xmpp.example",nonce="c" ,  uri="d",response="e"'
    expect(claimFor(REALM, ['Basic x=y', 'Digest username="a", realm="b", nonce="c", uri="d", response="e"', good])?.username).toBe('r"o')
  })
})

test('an algorithm that is not offered is not taken either', () => {
  const both = new Digest(SECRET, () => 1_700_000_000_000)
  const one = new Digest(SECRET, () => 1_700_000_000_000, { ...defaultDigest, algorithms: ['MD5'] })
  expect(one.challenge('h.example')).toHaveLength(1)
  expect(one.challenge('h.example')[0]).toContain('algorithm=MD5')
  const challenge = bestChallenge(both.challenge('h.example'))
  if (!challenge) throw new Error('no challenge')
  const field = new DigestAnswers(challenge, 'bob', 'secret').answer('REGISTER', 'sip:h.example')
  const claim = claimFor('h.example', [field])
  if (!claim) throw new Error('no claim')
  const secret = ha1('SHA-256', 'bob', 'h.example', 'secret')
  expect(both.check(claim, 'REGISTER', secret)).toBe('right')
  expect(one.check(claim, 'REGISTER', secret)).toBe('wrong')
})
