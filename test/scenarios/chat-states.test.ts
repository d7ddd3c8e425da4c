/** Who types: XEP-0085 and RFC 3994, both ways, by RFC 7573 §6. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { response, type SipRequest } from '../../src/sip/message.ts'
import type { Element } from '../../src/xml/element.ts'
import type { Client } from '../support/client.ts'
import type { Phone } from '../support/phone.ts'
import { party, TYBALT, verona } from '../support/routed-town.ts'
import { chatState, IS_COMPOSING, isComposing, NS_CHAT_STATES } from '../support/signs.ts'
import { message } from '../support/stanzas.ts'
import { type Town, town } from '../support/town.ts'

const JULIET = 'sip:juliet@xmpp.example'
const ROMEO = 'romeo@xmpp.example'
/** A refresh of 60 s, in a tenth of a second. */
const QUICK = { refreshMs: 100, longestMs: 350, pairsMax: 100, tickMs: 5 }

let at: Town
let juliet: Client
let phone: Phone
beforeEach(async () => {
  at = await town({ chatStates: QUICK })
  juliet = await at.client('juliet')
  phone = await at.phone('romeo')
})
afterEach(() => at.stop())

const types = (state = 'active', refresh?: number) =>
  phone.request('MESSAGE', JULIET, { contentType: IS_COMPOSING, body: isComposing(state, refresh) })
const stateOf = (stanza: Element): string | undefined => stanza.elements().find(({ ns }) => ns === NS_CHAT_STATES)?.name
const told = ({ headers, body }: SipRequest): string =>
  headers.get('Content-Type') === IS_COMPOSING ? (/<state>(.*?)<\/state>/.exec(body.toString())?.[1] ?? '') : body.toString()

/** He has shown that he reads it. */
async function acquainted(): Promise<void> {
  await types()
  await types('idle')
  await juliet.receive()
  await juliet.receive()
}

describe('a client sees that somebody with a telephone', () => {
  test('types, and has paused', async () => {
    expect((await types()).status).toBe(200)
    const got = await juliet.receive()
    expect(stateOf(got)).toBe('composing')
    expect(got.attr('from')).toBe(ROMEO)
    expect(got.attr('type')).toBe('chat')
    expect(got.child('body')).toBeUndefined()
    await types('idle')
    expect(stateOf(await juliet.receive())).toBe('paused')
  })

  test('is active, where he had not been typing', async () => {
    await types('idle')
    expect(stateOf(await juliet.receive())).toBe('active')
  })

  test('has said it, which ends the typing', async () => {
    await types()
    await phone.message(JULIET, 'Said')
    await types('idle')
    expect(stateOf(await juliet.receive())).toBe('composing')
    expect((await juliet.receive()).child('body')?.text()).toBe('Said')
    expect(stateOf(await juliet.receive())).toBe('active')
  })

  test('has paused when no more is heard of him, in the time he has named', async () => {
    await types('active', 1)
    expect(stateOf(await juliet.receive())).toBe('composing')
    const got = await juliet.receive()
    expect(stateOf(got)).toBe('paused')
    expect(got.attr('from')).toBe(ROMEO)
  })

  test('does something this document cannot say: 400, and she sees nothing', async () => {
    expect((await phone.request('MESSAGE', JULIET, { contentType: IS_COMPOSING, body: 'typing' })).status).toBe(400)
    await phone.message(JULIET, 'Words')
    expect((await juliet.receive()).child('body')?.text()).toBe('Words')
  })
})

describe('a telephone', () => {
  test('that has shown to read it is told who types, and that she has stopped', async () => {
    await acquainted()
    juliet.send(chatState(ROMEO, 'composing'))
    const request = await phone.received()
    expect(request.headers.get('Content-Type')).toBe(IS_COMPOSING)
    expect(request.headers.get('From')).toMatch(/^<sip:juliet@xmpp\.example>/)
    expect(request.body.toString()).toContain('<refresh>90</refresh>')
    juliet.send(chatState(ROMEO, 'paused'))
    expect(told(await phone.received())).toBe('idle')
  })

  test('is told once, whatever her client repeats, and nothing beside her words', async () => {
    await acquainted()
    for (const state of ['active', 'inactive', 'composing', 'composing', 'gone']) juliet.send(chatState(ROMEO, state))
    juliet.send(message(ROMEO, 'Words'))
    juliet.send(chatState(ROMEO, 'active'))
    juliet.send(message(ROMEO, 'More words'))
    for (const wanted of ['active', 'Words', 'More words']) expect(told(await phone.received())).toBe(wanted)
  })

  test('is told again as long as she types, and no more when her client is silent', async () => {
    await acquainted()
    juliet.send(chatState(ROMEO, 'composing'))
    const requests = [await phone.received(), await phone.received(), await phone.received()]
    expect(requests.map(told)).toEqual(['active', 'active', 'active'])
    const [first, second, third] = requests.map(({ headers }) => headers)
    expect(second?.get('Call-ID')).toBe(first?.get('Call-ID'))
    expect([first, second, third].map((one) => one?.get('CSeq'))).toEqual(['1 MESSAGE', '2 MESSAGE', '3 MESSAGE'])
    expect(second?.get('Via')).not.toBe(first?.get('Via'))
  })

  test('that has shown nothing gets words alone, and she hears nothing of it', async () => {
    for (const state of ['composing', 'paused']) juliet.send(chatState(ROMEO, state))
    juliet.send(message(ROMEO, 'Words'))
    expect(told(await phone.received())).toBe('Words')
    await phone.message(JULIET, 'Mine')
    juliet.send(chatState(ROMEO, 'composing'))
    juliet.send(message(ROMEO, 'More words'))
    expect(told(await phone.received())).toBe('More words')
    // No error came before his words.
    expect((await juliet.receive()).child('body')?.text()).toBe('Mine')
  })

  test('that answers 415 gets it never again, though it writes it itself', async () => {
    await acquainted()
    phone.answer = ({ headers }) => response(headers.get('Content-Type') === IS_COMPOSING ? 415 : 200)
    juliet.send(chatState(ROMEO, 'composing'))
    expect(told(await phone.received())).toBe('active')
    juliet.send(message(ROMEO, 'Words'))
    expect(told(await phone.received())).toBe('Words')
    await types()
    expect(stateOf(await juliet.receive())).toBe('composing')
    juliet.send(chatState(ROMEO, 'composing'))
    juliet.send(message(ROMEO, 'More words'))
    expect(told(await phone.received())).toBe('More words')
  })

  test('beside another of the same account is told for itself alone', async () => {
    await acquainted()
    const old = await at.phone('romeo')
    juliet.send(chatState(ROMEO, 'composing'))
    expect(told(await phone.received())).toBe('active')
    juliet.send(message(ROMEO, 'Words'))
    expect(told(await old.received())).toBe('Words')
    expect(old.requests.filter(({ method }) => method === 'MESSAGE')).toHaveLength(1)
  })
})

describe('somebody behind a next hop', () => {
  const setOut = async () => {
    const place = await verona({ chatStates: QUICK, routes: ['pbx.example = sip:192.0.2.200'] })
    return { pbx: await party(place), client: await place.client('juliet') }
  }

  test('is told who types when he has shown to read it, and she what he does', async () => {
    const { pbx, client } = await setOut()
    client.send(chatState('tybalt@pbx.example', 'composing'))
    client.send(message('tybalt@pbx.example', 'Words'))
    expect(told(await pbx.received())).toBe('Words')
    await pbx.send('MESSAGE', TYBALT, JULIET, isComposing('active'), [['Content-Type', IS_COMPOSING]])
    expect(stateOf(await client.receive())).toBe('composing')
    client.send(chatState('tybalt@pbx.example', 'composing'))
    expect(told(await pbx.received())).toBe('active')
    client.send(chatState('gregory@pbx.example', 'composing'))
    client.send(message('gregory@pbx.example', 'Another'))
    expect(told(await pbx.received())).toBe('Another')
  })

  test('who answers 415 gets it never again', async () => {
    const { pbx, client } = await setOut()
    await pbx.send('MESSAGE', TYBALT, JULIET, isComposing('active'), [['Content-Type', IS_COMPOSING]])
    await client.receive()
    pbx.answer = ({ headers }) => response(headers.get('Content-Type') === IS_COMPOSING ? 415 : 200)
    client.send(chatState('tybalt@pbx.example', 'composing'))
    client.send(message('tybalt@pbx.example', 'Words'))
    for (const wanted of ['active', 'Words']) expect(told(await pbx.received())).toBe(wanted)
    client.send(chatState('tybalt@pbx.example', 'composing'))
    client.send(message('tybalt@pbx.example', 'More words'))
    expect(told(await pbx.received())).toBe('More words')
  })
})
