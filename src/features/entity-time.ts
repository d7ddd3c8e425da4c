/** XEP-0202: Entity Time. */
import { type Feature, request } from '../account/feature.ts'
import { el } from '../xml/element.ts'

const NS = 'urn:xmpp:time'

export const entityTime = (now: () => Date): Feature => ({
  xeps: [{ number: 202, name: 'Entity Time', version: '2.0' }],
  disco: [NS],
  iq: {
    [request('get', NS, 'time')]: () =>
      el(
        'time',
        NS,
        {},
        el('tzo', NS, {}, 'Z'),
        el(
          'utc',
          NS,
          {},
          now()
            .toISOString()
            .replace(/\.\d+Z$/, 'Z'),
        ),
      ),
  },
})
