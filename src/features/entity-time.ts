/** XEP-0202: Entity Time. In UTC alone: where a clock hangs is not ours to tell. */
import { type Feature, request } from '../account/feature.ts'
import { StanzaError } from '../stanza/error.ts'
import { type Element, el } from '../xml/element.ts'

const NS = 'urn:xmpp:time'

const NO_CLOCK = new StanzaError('cancel', 'feature-not-implemented', 'It does not say what time it has')

export const entityTime = (now: () => Date): Feature => feature(() => timeOf(now()))

/** Of somebody whose clock may have to be asked for, and may be unknown. */
export const entityTimeOf = (asked: () => Promise<Date | undefined>): Feature =>
  feature(async () => {
    const date = await asked()
    if (!date) throw NO_CLOCK
    return timeOf(date)
  })

const feature = (answer: () => Element | Promise<Element>): Feature => ({
  xeps: [{ number: 202, name: 'Entity Time', version: '2.0' }],
  disco: [NS],
  iq: { [request('get', NS, 'time')]: answer },
})

const timeOf = (date: Date): Element =>
  el('time', NS, {}, el('tzo', NS, {}, 'Z'), el('utc', NS, {}, date.toISOString().replace(/\.\d+Z$/, 'Z')))
