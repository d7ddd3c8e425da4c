/** What a client may rely on once it is bound: roster versions (RFC 6121 §2.6.1) and approvals given beforehand (§3.4). There is nothing to negotiate. */
import { type Element, el } from '../../xml/element.ts'
import type { ClientStream } from '../c2s.ts'
import { NS_PRE_APPROVAL, NS_ROSTER_VERSIONS } from '../namespaces.ts'
import type { Step } from './step.ts'

const NOTHING: readonly Element[] = []
const OFFERS: readonly Element[] = [el('ver', NS_ROSTER_VERSIONS), el('sub', NS_PRE_APPROVAL)]

export const rosterFeatures = (stream: ClientStream): Step => ({
  offers: () => (stream.jid ? OFFERS : NOTHING),
  takes: () => false,
  take: () => {},
})
