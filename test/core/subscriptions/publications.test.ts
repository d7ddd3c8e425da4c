/** Telephones publish what they do (RFC 3903 §6), and we publish our accounts elsewhere (§4). */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { RefusedError } from '../../../src/core/port.ts'
import { PUBLICATION_DEFAULTS, type PublicationLimits } from '../../../src/core/subscriptions/limits.ts'
import { PACKAGES } from '../../../src/core/subscriptions/packages.ts'
import { Publications, type Published } from '../../../src/core/subscriptions/publications.ts'
import { Publisher } from '../../../src/core/subscriptions/publisher.ts'
import { response, type SipRequest } from '../../../src/sip/message.ts'
import { MemoryStore } from '../../../src/store/memory.ts'
import { field, JULIET, listening, pass, requestOf, settled, signalOf, stopTime, TestOutward } from '../../support/watching.ts'

const { log, mistakes } = listening()
const running: { stop(): unknown }[] = []

beforeEach(stopTime)
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
  vi.useRealTimers()
  expect(mistakes.splice(0)).toEqual([])
})

function statusOf(work: () => unknown): number {
  try {
    work()
  } catch (cause) {
    if (cause instanceof RefusedError) return cause.status
    throw cause
  }
  return 200
}

describe('a telephone that publishes', () => {
  function house(limits: Partial<PublicationLimits> = {}, store = new MemoryStore()) {
    /** The documents of each news. */
    const news: string[][] = []
    const hearing = { hear: (_published: readonly Published[]) => {} }
    const publications = new Publications({
      kept: store.kept('publications'),
      packages: PACKAGES,
      published: (_account, _event, published) => {
        hearing.hear(published)
        news.push(published.map(({ document }) => document.body.toString()))
      },
      now: Date.now,
      log,
      limits: { ...PUBLICATION_DEFAULTS, ...limits },
    })
    running.push(publications)
    const publish = (fields: Parameters<typeof requestOf>[1] = {}, body = '') =>
      publications.publish(
        signalOf(requestOf('PUBLISH', { 'Content-Type': body === '' ? undefined : 'application/pidf+xml', ...fields }, body)),
        JULIET,
      )
    const published = async (fields: Parameters<typeof requestOf>[1] = {}, body = '') => {
      const answer = await publish(fields, body)
      return { etag: answer.header('SIP-ETag') ?? '', expires: answer.header('Expires'), status: answer.status }
    }
    return { publications, publish, published, news, hearing, store }
  }

  test('gets an entity-tag and an hour', async () => {
    const { published, news, publications } = house()
    const { status, etag, expires } = await published({}, '<away/>')
    expect([status, expires]).toEqual([200, '3600'])
    expect(etag).toMatch(/^\w+$/)
    expect(news).toEqual([['<away/>']])
    expect(publications.of(JULIET, 'presence')).toHaveLength(1)
  })

  test('refreshes with its tag and no body, changes with its tag and a body, and gets a new tag each time', async () => {
    const { published, publications } = house()
    const first = await published({}, '<away/>')
    const [before] = publications.of(JULIET, 'presence')
    const second = await published({ 'SIP-If-Match': first.etag })
    const third = await published({ 'SIP-If-Match': second.etag }, '<here/>')
    expect(new Set([first.etag, second.etag, third.etag]).size).toBe(3)
    const [now, more] = publications.of(JULIET, 'presence')
    expect(more).toBeUndefined()
    expect(now?.id).toBe(before?.id)
    expect(now?.document.body.toString()).toBe('<here/>')
  })

  test('with a tag that is not the last one hears 412, and nothing has changed', async () => {
    const { published, publish, news } = house()
    const { etag } = await published({}, '<away/>')
    await published({ 'SIP-If-Match': etag })
    expect(statusOf(() => publish({ 'SIP-If-Match': etag }, '<here/>'))).toBe(412)
    expect(statusOf(() => publish({ 'SIP-If-Match': 'unheard-of' }))).toBe(412)
    expect(news.at(-1)).toEqual(['<away/>'])
  })

  test('removes with Expires: 0', async () => {
    const { published, news, publications } = house()
    const { etag } = await published({}, '<away/>')
    expect(await published({ 'SIP-If-Match': etag, Expires: '0' })).toMatchObject({ status: 200, expires: '0' })
    expect(news).toEqual([['<away/>'], []])
    expect(publications.of(JULIET, 'presence')).toEqual([])
  })

  test('and is gone is forgotten when its time has passed', async () => {
    const { published, news, publish } = house()
    const { etag } = await published({ Expires: '60' }, '<away/>')
    await published({ Expires: '600' }, '<on-the-phone/>')
    await pass(61)
    expect(news).toEqual([['<away/>'], ['<away/>', '<on-the-phone/>'], ['<on-the-phone/>']])
    expect(statusOf(() => publish({ 'SIP-If-Match': etag }))).toBe(412)
  })

  for (const [what, fields, body, status] of [
    ['of a package we do not have', { Event: 'message-summary' }, '<x/>', 489],
    ['without a document', {}, '', 400],
    ['for half a minute', { Expires: '30' }, '<x/>', 423],
    ['of another type', { 'Content-Type': 'text/plain' }, 'away', 415],
    ['of 20,000 bytes', {}, 'x'.repeat(20_000), 413],
  ] as const) {
    test(`something ${what} hears ${status}`, () => {
      const { publish, news } = house()
      expect(statusOf(() => publish(fields, body))).toBe(status)
      expect(news).toEqual([])
    })
  }

  test('once too often hears 403', async () => {
    const { published, publish } = house({ perAccountMax: 2 })
    await published({}, '<a/>')
    await published({}, '<b/>')
    expect(statusOf(() => publish({}, '<c/>'))).toBe(403)
  })

  test('what nobody can read is refused, and has changed nothing', async () => {
    const { hearing, publish, publications } = house()
    hearing.hear = () => {
      throw new RefusedError(400, 'That is no PIDF')
    }
    expect(statusOf(() => publish({}, '<broken'))).toBe(400)
    expect(publications.of(JULIET, 'presence')).toEqual([])
  })

  test('goes on with its tag after a restart', async () => {
    const before = house()
    const { etag } = await before.published({ Expires: '600' }, '<away/>')
    before.publications.stop()
    const after = house({}, before.store)
    await after.publications.restore()
    expect(after.news).toEqual([['<away/>']])
    expect(await after.published({ 'SIP-If-Match': etag })).toMatchObject({ status: 200 })
    await pass(3_601)
    expect(after.news.at(-1)).toEqual([])
  })
})

describe('our account at a presence server', () => {
  const document = (text: string) => ({ contentType: 'application/pidf+xml', body: Buffer.from(text) })

  function house() {
    const outward = new TestOutward()
    let tags = 0
    const taken = (request: SipRequest) =>
      response(200, 'OK', [
        ['SIP-ETag', `t${++tags}`],
        ['Expires', field(request, 'Expires')],
      ])
    outward.says = taken
    const publisher = new Publisher({ outward, now: Date.now, random: () => 0.5, log })
    running.push(publisher)
    const publish = async (text: string) => {
      publisher.publish(JULIET, 'presence', document(text))
      await pass(0)
    }
    /** SIP-If-Match, seconds and document of each PUBLISH. */
    const said = () => outward.sent.map((one) => [field(one, 'SIP-If-Match'), field(one, 'Expires'), one.body.toString()])
    return { outward, publisher, publish, said, taken }
  }

  test('is published, refreshed without a body, changed and taken back', async () => {
    const { outward, publisher, publish, said } = house()
    await publish('<here/>')
    expect(outward.last.method).toBe('PUBLISH')
    expect(field(outward.last, 'Event')).toBe('presence')
    await pass(3_500)
    await publish('<away/>')
    await publisher.withdraw(JULIET, 'presence')
    expect(said()).toEqual([
      ['', '3600', '<here/>'],
      ['t1', '3600', ''],
      ['t2', '3600', '<away/>'],
      ['t3', '0', ''],
    ])
    await pass(10_000)
    expect(outward.sent).toHaveLength(4)
  })

  test('changes at most every five seconds, and then to the latest', async () => {
    const { publish, said } = house()
    await publish('<a/>')
    await publish('<b/>')
    await publish('<c/>')
    expect(said()).toHaveLength(1)
    await pass(6)
    expect(said().map(([, , body]) => body)).toEqual(['<a/>', '<c/>'])
  })

  test('that the server has forgotten (412) is published anew, with all of it', async () => {
    const { outward, publish, said, taken } = house()
    await publish('<here/>')
    outward.says = (request) => (outward.sent.length === 2 ? 412 : taken(request))
    await pass(3_500)
    expect(said()).toEqual([
      ['', '3600', '<here/>'],
      ['t1', '3600', ''],
      ['', '3600', '<here/>'],
    ])
  })

  test('for longer than is liked (423) is published for as long as is', async () => {
    const { outward, publish, said, taken } = house()
    outward.says = (request) => (outward.sent.length === 1 ? response(423, undefined, [['Min-Expires', '7200']]) : taken(request))
    await publish('<here/>')
    await pass(1)
    expect(said().map(([, expires]) => expires)).toEqual(['3600', '7200'])
  })

  test('is tried less and less often while nobody answers, and changes wait', async () => {
    const { outward, publish, said, taken } = house()
    outward.says = () => 'timeout'
    await publish('<here/>')
    await pass(6)
    expect(said()).toHaveLength(2)
    await pass(600)
    expect(said().length).toBeLessThan(10)
    outward.says = taken
    await pass(900)
    expect(said().at(-1)).toEqual(['', '3600', '<here/>'])
  })

  test('that is refused is not tried more often than it would be refreshed', async () => {
    const { outward, publish, said } = house()
    outward.says = () => 403
    await publish('<here/>')
    await pass(2_000)
    await publish('<away/>')
    await pass(1_000)
    expect(said()).toHaveLength(1)
  })

  test('of a change while a PUBLISH is under way goes after it', async () => {
    const { outward, publish, said, taken } = house()
    let answer: () => void = () => {}
    outward.says = (request) => new Promise((resolve) => (answer = () => resolve(taken(request))))
    await publish('<a/>')
    await publish('<b/>')
    await pass(10)
    expect(said()).toHaveLength(1)
    outward.says = taken
    answer()
    await settled()
    await pass(6)
    expect(said().map(([tag, , body]) => [tag, body])).toEqual([
      ['', '<a/>'],
      ['t1', '<b/>'],
    ])
  })
})
