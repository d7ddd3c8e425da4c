/** The result of an iq (RFC 6120 §8.2.3). */
import { expect, test } from 'vitest'
import { resultOf } from '../../src/stanza/reply.ts'
import { stanza, xml } from '../mapping/world.ts'

const ping = stanza("<iq type='get' id='p1' from='juliet@example.com/balcony' to='example.com'><ping xmlns='urn:xmpp:ping'/></iq>")

test('a result goes back to the asker, under the id of the question', () => {
  const result = resultOf(ping)
  expect(result.xml).toEqual(xml("<iq from='example.com' to='juliet@example.com/balcony' id='p1' type='result'/>"))
  expect(result.from.toString()).toBe('example.com')
  expect(result.to.toString()).toBe('juliet@example.com/balcony')
})

test('a result brings what was asked for', () => {
  const time = xml("<time xmlns='urn:xmpp:time'/>")
  expect(resultOf(ping, time).xml.child('time', 'urn:xmpp:time')).toBe(time)
})
