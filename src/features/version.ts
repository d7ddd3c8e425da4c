/** XEP-0092: Software Version. The operating system is nobody's business. */
import { type Feature, request } from '../account/feature.ts'
import { StanzaError } from '../stanza/error.ts'
import { type Element, el } from '../xml/element.ts'

const NS = 'jabber:iq:version'

export interface SoftwareVersion {
  readonly name: string
  /** Undefined: it says no number apart. */
  readonly version: string | undefined
}

const UNKNOWN = new StanzaError('cancel', 'service-unavailable', 'It does not say which software it is')

export const version = (software: SoftwareVersion): Feature => feature(() => queryOf(software))

/** Of somebody who may have to be asked, and may have said nothing. */
export const versionOf = (asked: () => Promise<SoftwareVersion | undefined>): Feature =>
  feature(async () => {
    const software = await asked()
    if (!software) throw UNKNOWN
    return queryOf(software)
  })

const feature = (answer: () => Element | Promise<Element>): Feature => ({
  xeps: [{ number: 92, name: 'Software Version', version: '1.1' }],
  disco: [NS],
  iq: { [request('get', NS, 'query')]: answer },
})

const queryOf = ({ name, version: number }: SoftwareVersion): Element =>
  el('query', NS, {}, el('name', NS, {}, name), ...(number === undefined ? [] : [el('version', NS, {}, number)]))
