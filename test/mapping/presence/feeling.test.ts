/** Moods and activities, there and back. */
import { describe, expect, test } from 'vitest'
import { SipUri } from '../../../src/address/sip-uri.ts'
import type { Document } from '../../../src/core/subscriptions/port.ts'
import { type DocumentOptions, presenceDocument } from '../../../src/mapping/presence/presence-document.ts'
import { feelingIn } from '../../../src/mapping/presence/presences-in.ts'
import { write } from '../../../src/xml/write.ts'
import { NOW, xml } from '../world.ts'

const uri = SipUri.parse('sip:juliet@example.com')

const PIDF = 'application/pidf+xml'
const pidf = (text: string): Document => ({ contentType: PIDF, body: Buffer.from(text) })
const made = (presences: string[], options: DocumentOptions = { aggregate: 'most-available' }): string =>
  presenceDocument(uri, presences.map(xml), NOW, options).body.toString()

const from = (resource: string, children = '', type = ''): string =>
  `<presence from='juliet@example.com/${resource}'${type && ` type='${type}'`}>${children}</presence>`

describe('moods and activities', () => {
  const options = (name: 'mood' | 'activity', inner: string): DocumentOptions => ({
    aggregate: 'most-available',
    [name]: xml(`<${name} xmlns='http://jabber.org/protocol/${name}'>${inner}</${name}>`),
  })
  const there = (name: 'mood' | 'activity', inner: string): string =>
    /<dm:person id='person'>(.*)<\/dm:person>/.exec(made([from('a')], options(name, inner)))?.[1] ?? ''
  const again = (name: 'mood' | 'activity', inner: string): string => {
    const found = feelingIn(pidf(made([from('a')], options(name, inner))))[name]
    return found ? found.children.map((child) => (typeof child === 'string' ? child : write(child, found.ns))).join('') : ''
  }

  test.each([
    ['<happy/>', '<rpid:happy/>', '<happy/>'],
    ['<in_love/><text>Yay</text>', '<rpid:note>Yay</rpid:note><rpid:in_love/>', '<in_love/><text>Yay</text>'],
    ['<amorous/>', '<rpid:other>amorous</rpid:other>', '<amorous/>'],
    ['<undefined/>', '<rpid:unknown/>', '<undefined/>'],
    ['<nonsense/>', '', ''],
    ['', '', ''],
  ])('the mood %s', (mood, rpid, wanted) => {
    expect(there('mood', mood)).toBe(rpid && `<rpid:mood>${rpid}</rpid:mood>`)
    expect(again('mood', mood)).toBe(wanted)
  })

  test.each([
    ['<having_appointment/>', 'appointment', undefined],
    ['<working><in_a_meeting/></working>', 'meeting', undefined],
    ['<eating><having_breakfast/></eating>', 'breakfast', undefined],
    ['<eating><having_lunch/></eating>', 'lunch', undefined],
    ['<eating><having_dinner/></eating>', 'dinner', undefined],
    ['<eating/>', 'meal', undefined],
    ['<talking><on_the_phone/></talking>', 'on-the-phone', undefined],
    ['<traveling/>', 'travel', undefined],
    ['<traveling><driving/></traveling>', 'steering', undefined],
    ['<traveling><on_a_bus/></traveling>', 'in-transit', '<traveling><commuting/></traveling>'],
    ['<relaxing><watching_tv/></relaxing>', 'tv', undefined],
    ['<relaxing><shopping/></relaxing>', 'shopping', undefined],
    ['<relaxing><gaming/></relaxing>', 'playing', undefined],
    ['<inactive><sleeping/></inactive>', 'sleeping', undefined],
    ['<inactive><on_vacation/></inactive>', 'vacation', undefined],
    ['<inactive><scheduled_holiday/></inactive>', 'holiday', undefined],
    ['<inactive><praying/></inactive>', 'worship', undefined],
    ['<working/>', 'working', undefined],
    ['<inactive><day_off/></inactive>', 'away', ''],
  ])('the activity %s is %s', (activity, rpid, wanted) => {
    expect(there('activity', activity)).toBe(`<rpid:activities><rpid:${rpid}/></rpid:activities>`)
    expect(again('activity', activity)).toBe(wanted ?? activity)
  })

  test('what RPID has no word for is other, in words', () => {
    expect(there('activity', '<doing_chores><doing_the_dishes/></doing_chores><text>again</text>')).toBe(
      '<rpid:activities><rpid:note>again</rpid:note><rpid:other>doing the dishes</rpid:other></rpid:activities>',
    )
    expect(again('activity', '<grooming/>')).toBe('<undefined/><text>grooming</text>')
  })
})
