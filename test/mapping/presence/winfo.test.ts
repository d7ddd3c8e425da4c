/** Who watches, as a document (RFC 3858). */
import { describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import { RefusedError } from '../../../src/core/port.ts'
import type { Document } from '../../../src/core/subscriptions/port.ts'
import { PRESENCE_LIMITS } from '../../../src/mapping/presence/limits.ts'
import { type Watcher, watchersAfter, winfoDocument } from '../../../src/mapping/presence/winfo.ts'

const professor = SipUri.parse('sip:professor@example.net')
const userA: Watcher = {
  id: '8ajksjda7s',
  uri: 'sip:userA@example.net',
  status: 'active',
  event: 'approved',
  name: undefined,
  expiresSeconds: 600,
}
const userB: Watcher = {
  id: 'hh8juja87s',
  uri: 'sip:userB@example.org',
  status: 'pending',
  event: 'subscribe',
  name: 'Mr. Subscriber',
  expiresSeconds: undefined,
}

const document = (
  inner: string,
  attrs = "version='0' state='full'",
  list = "resource='sip:professor@example.net' package='presence'",
): Document => ({
  contentType: 'application/watcherinfo+xml',
  body: Buffer.from(
    `<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' ${attrs}><watcher-list ${list}>${inner}</watcher-list></watcherinfo>`,
  ),
})

describe('watcher information', () => {
  test('is written as the RFC has it, and read', () => {
    const written = winfoDocument(professor, [userA, userB], 0)
    expect(written.contentType).toBe('application/watcherinfo+xml')
    expect(written.body.toString()).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<watcherinfo xmlns='urn:ietf:params:xml:ns:watcherinfo' version='0' state='full'><watcher-list resource='sip:professor@example.net' package='presence'>` +
        `<watcher id='8ajksjda7s' status='active' event='approved' expiration='600'>sip:userA@example.net</watcher>` +
        `<watcher id='hh8juja87s' status='pending' event='subscribe' display-name='Mr. Subscriber'>sip:userB@example.org</watcher></watcher-list></watcherinfo>`,
    )
    expect([...watchersAfter(undefined, written).table.rows.values()]).toEqual([userA, userB])
  })

  test("the RFC's example", () => {
    const inner = `<watcher status="active" id="8ajksjda7s" duration-subscribed="509" event="approved">sip:userA@example.net</watcher><watcher status="pending" id="hh8juja87s997-ass7" display-name="Mr. Subscriber" event="subscribe">sip:userB@example.org</watcher>`
    const watchers = [...watchersAfter(undefined, document(inner)).table.rows.values()]
    expect(watchers.map(({ uri, status, name }) => [uri, status, name])).toEqual([
      ['sip:userA@example.net', 'active', undefined],
      ['sip:userB@example.org', 'pending', 'Mr. Subscriber'],
    ])
  })

  test('a part changes the table, a terminated watcher leaves it', () => {
    const { table } = watchersAfter(undefined, winfoDocument(professor, [userA, userB], 4))
    const next = watchersAfter(
      table,
      document(
        `<watcher id='hh8juja87s' status='terminated' event='rejected'>sip:userB@example.org</watcher>`,
        "version='5' state='partial'",
      ),
    )
    expect([[...next.table.rows.keys()], next.hasGap]).toEqual([['8ajksjda7s'], false])
  })

  test('watchers of other packages, and those without an id or a status, are not read', () => {
    const inner = "<watcher id='a' status='active' event='approved'>sip:a@b.example</watcher>"
    expect(watchersAfter(undefined, document(inner, undefined, "resource='sip:x@y.example' package='dialog'")).table.rows.size).toBe(0)
    expect(
      watchersAfter(
        undefined,
        document("<watcher status='active'>sip:a@b.example</watcher><watcher id='b' status='odd'>sip:a@b.example</watcher>"),
      ).table.rows.size,
    ).toBe(0)
  })

  test('an id is a token and a name one line, whatever they were', () => {
    const text = winfoDocument(professor, [{ ...userB, id: 'a b"<é', name: 'one\r\ntwo <b>' }], 0).body.toString()
    expect(text).toContain("id='a%20b%22%3c%e9'")
    expect(text).toContain("display-name='one two &lt;b&gt;'")
  })

  test('a list without end is refused, and one of ours ends', () => {
    const many = Array.from({ length: PRESENCE_LIMITS.watchers + 1 }, (_, i) => ({ ...userA, id: `w${i}` }))
    expect(
      winfoDocument(professor, many, 0)
        .body.toString()
        .match(/<watcher /g)?.length,
    ).toBe(PRESENCE_LIMITS.watchers)
    const inner = many.map(({ id }) => `<watcher id='${id}' status='active'>s:a</watcher>`).join('')
    expect(() => watchersAfter(undefined, document(inner))).toThrow(RefusedError)
  })
})
