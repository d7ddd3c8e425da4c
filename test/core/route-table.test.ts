import { describe, expect, test } from 'vitest'
import { SipUri } from '../../src/address/sip-uri.ts'
import { type RouteFields, RouteMistake, routeLine, routeRule } from '../../src/core/route-rule.ts'
import { ALIASES_MAX, RouteTable } from '../../src/core/route-table.ts'

const table = (...routes: (string | RouteFields)[]): RouteTable =>
  new RouteTable(routes.map((route) => routeRule(typeof route === 'string' ? routeLine(route) : route)))

/** Where an address ends, in a word. */
function end(routes: RouteTable, address: string, isBarred: (index: number) => boolean = () => false): string {
  const found = routes.resolve(SipUri.parse(address), isBarred)
  if (found.kind === 'hop') return `${found.to.uri} for ${found.address}`
  if (found.kind === 'relay') return `${found.to.host}:${found.to.port} for ${found.address}`
  return `${found.kind} ${found.address}`
}

describe('which addresses a rule takes', () => {
  const hop = 'sip:192.0.2.20'
  for (const [match, taken, left] of [
    [
      'pbx.example',
      ['sip:tybalt@pbx.example', 'sip:pbx.example', 'sip:T@PBX.example:5080;transport=tcp'],
      ['sip:a.pbx.example', 'sip:a@pbx.example.org'],
    ],
    ['*', ['sip:tybalt@pbx.example', 'sip:anything'], []],
    ['*.example', ['sip:a@b.example', 'sip:a.b.example'], ['sip:a@example', 'sip:a@b.example.org']],
    ['*@pbx.example', ['sip:tybalt@pbx.example'], ['sip:pbx.example']],
    [
      'sales-*@pbx.example',
      ['sip:sales-rome@pbx.example', 'sip:Sales-Rome@pbx.example'],
      ['sip:sales-@pbx.example', 'sip:presales-1@pbx.example'],
    ],
    ['Tybalt@PBX.example', ['sip:tybalt@pbx.example', 'sip:TYBALT@pbx.example;gr=x'], ['sip:paris@pbx.example']],
    ['tybalt\\40verona@pbx.example', ['sip:tybalt%40verona@pbx.example'], ['sip:tybalt@pbx.example']],
    ['tybalt@verona@pbx.example', ['sip:tybalt%40verona@pbx.example'], []],
    ['bücher.example', ['sip:a@xn--bcher-kva.example'], []],
    ['[2001:db8::1]', ['sip:a@[2001:DB8:0::1]'], ['sip:a@[2001:db8::2]']],
  ] as const) {
    test(match, () => {
      const routes = table({ match, to: hop })
      for (const address of taken) expect(end(routes, address), address).toMatch(/^sip:192\.0\.2\.20 /)
      for (const address of left) expect(end(routes, address), address).toMatch(/^onward /)
    })
  }

  test('the first rule that matches decides', () => {
    const routes = table('a.pbx.example = sip:192.0.2.1', '*.pbx.example = sip:192.0.2.2', 'b.pbx.example = sip:192.0.2.3')
    expect(end(routes, 'sip:x@a.pbx.example')).toMatch('192.0.2.1')
    expect(end(routes, 'sip:x@b.pbx.example')).toMatch('192.0.2.2')
  })

  test('a hop that is barred is passed by, and the next rule has its turn', () => {
    const routes = table('pbx.example = sip:192.0.2.1', '* = sip:192.0.2.2')
    expect(end(routes, 'sip:x@pbx.example', (index) => index === 0)).toMatch('192.0.2.2')
    expect(end(routes, 'sip:x@pbx.example', () => true)).toBe('onward sip:x@pbx.example')
  })
})

describe('where an alias leads', () => {
  for (const [line, from, to] of [
    ['old.example = new.example', 'sip:romeo@old.example', 'sip:romeo@new.example'],
    ['old.example = new.example', 'sip:romeo@old.example;gr=orchard', 'sip:romeo@new.example;gr=orchard'],
    ['old.example = new.example', 'sip:old.example', 'sip:new.example'],
    ['old.example = reception@new.example', 'sip:romeo@old.example', 'sip:reception@new.example'],
    ['old.example = reception@new.example', 'sip:old.example', 'sip:old.example'],
    ['romeo@old.example = montague@new.example', 'sip:Romeo@old.example', 'sip:montague@new.example'],
    ['romeo@old.example = new.example', 'sip:romeo@old.example', 'sip:romeo@new.example'],
    ['*@old.example = *-old@new.example', 'sip:romeo@old.example', 'sip:romeo-old@new.example'],
    ['*.old.example = *.new.example', 'sip:romeo@verona.old.example', 'sip:romeo@verona.new.example'],
    ['+39*@old.example = *@new.example', 'sip:+3906@old.example', 'sip:06@new.example'],
    ['*@old.example = *@new.example', 'sip:a%20b@old.example', 'sip:a%20b@new.example'],
  ] as const)
    test(`${line}: ${from} is ${to}`, () => expect(end(table(line), from)).toBe(`onward ${to}`))

  test('after eight aliases the ninth is one too many', () => {
    const chain = (length: number) => table(...Array.from({ length }, (_, i) => `d${i}.example = d${i + 1}.example`))
    expect(end(chain(ALIASES_MAX), 'sip:a@d0.example')).toBe('onward sip:a@d8.example')
    expect(end(chain(ALIASES_MAX + 1), 'sip:a@d0.example')).toMatch(/^circle/)
  })

  test('a circle is found before anybody goes round in it', () => {
    expect(table('a.example = b.example', 'b.example = a.example').circle()).toBe(0)
    expect(table('x.example = a.example', '*.old = *.old.old').circle()).toBe(1)
    expect(table('a.example = b.example', 'b.example = c.example').circle()).toBeUndefined()
  })
})

describe('the options of a next hop', () => {
  const options = (fields: Partial<RouteFields>) => {
    const { to } = routeRule({ match: '*', to: 'sip:192.0.2.1', ...fields })
    if (to.kind !== 'hop') throw new Error(to.kind)
    return [to.trusted, to.xmppData, to.fromGruu]
  }
  test('a stranger is told nothing that only XMPP knows, somebody trusted all of it', () => {
    expect(options({})).toEqual([false, 'off', false])
    expect(options({ trusted: true })).toEqual([true, 'header', true])
    expect(options({ trusted: true, xmppData: 'off' })).toEqual([true, 'off', false])
    expect(options({ xmppData: 'base64' })).toEqual([false, 'base64', true])
    expect(options({ trusted: true, fromGruu: false })).toEqual([true, 'header', false])
  })

  test('NoRelay: sticks to what its aliases lead to', () => {
    const routes = table('NoRelay:a.example = b.example', 'b.example = sip:192.0.2.1')
    const found = (address: string) => {
      const resolution = routes.resolve(SipUri.parse(address), () => false)
      return resolution.kind === 'hop' ? resolution.relays : undefined
    }
    expect([found('sip:x@a.example'), found('sip:x@b.example')]).toEqual([false, true])
  })

  for (const [line, expected] of [
    ['company.example = company.example@server.company.example._via', 'server.company.example:5269'],
    ['company.example = company.example@server.company.example:5270._via', 'server.company.example:5270'],
    ['company.example = *@192.0.2.7._via', '192.0.2.7:5269'],
    ['company.example = *@[2001:db8::7]:5270._via', '[2001:db8::7]:5270'],
  ] as const)
    test(`${line} is a relay at ${expected}`, () =>
      expect(end(table(line), 'sip:a@company.example')).toBe(`${expected} for sip:a@company.example`))
})

describe('a mistake is told with its key', () => {
  for (const [line, key, sentence] of [
    ['pbx.example sip:192.0.2.20', 'match', 'is no route'],
    ['= sip:192.0.2.20', 'match', 'says nothing before the ='],
    ['pbx.example =', 'to', 'says nothing behind the ='],
    ['pbx.example = sip:', 'to', 'is no SIP address'],
    ['pbx.example = sip:fax@192.0.2.20', 'to', 'names a user'],
    ['pbx.example = sip:192.0.2.20;transport=pigeon', 'to', 'pigeon is no transport'],
    ['pbx.example = sips:192.0.2.20;transport=udp', 'to', 'promises encryption'],
    ['pbx.example = sip:192.0.2.20;user=phone', 'to', 'more than a next hop can use'],
    ['pbx.example = tel:+3906', 'to', 'a next hop is a sip: address'],
    ['pbx.example = server.example._via', 'to', 'names no domain'],
    ['pbx.example = pbx.example@server.example:99999._via', 'to', 'is no port'],
    ['pbx example = sip:192.0.2.20', 'match', 'is no domain'],
    ['@pbx.example = sip:192.0.2.20', 'match', 'nothing before the @'],
    ['*.*.example = sip:192.0.2.20', 'match', 'more than one *'],
    ['*ü.example = sip:192.0.2.20', 'match', 'not ASCII'],
    ['pbx.example = pbx.example', 'to', 'leads to itself'],
    ['*@pbx.example = *@pbx.example', 'to', 'leads to itself'],
    ['pbx.example = *.example', 'to', 'the * of its domain'],
    ['romeo@pbx.example = *@a.example', 'to', 'the * of its user'],
  ] as const)
    test(line, () => {
      const read = () => routeRule(routeLine(line))
      expect(read).toThrow(RouteMistake)
      expect(read).toThrow(sentence)
      expect(read).toThrow(expect.objectContaining({ key }))
    })

  test('options that mean nothing are refused, as they would be believed', () =>
    expect(() => routeRule({ match: 'a.example', to: 'b.example', trusted: true })).toThrow(expect.objectContaining({ key: 'trusted' })))
})
