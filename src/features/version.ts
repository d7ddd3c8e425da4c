/** XEP-0092: Software Version, of the gateway itself. The operating system is nobody's business. */
import { type Feature, request } from '../account/feature.ts'
import { el } from '../xml/element.ts'

const NS = 'jabber:iq:version'

export const version = (software: { readonly name: string; readonly version: string }): Feature => ({
  xeps: [{ number: 92, name: 'Software Version', version: '1.1' }],
  disco: [NS],
  iq: {
    [request('get', NS, 'query')]: () => el('query', NS, {}, el('name', NS, {}, software.name), el('version', NS, {}, software.version)),
  },
})
