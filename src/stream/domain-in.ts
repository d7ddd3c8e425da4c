/** The domain that a stream's header or an attribute of dialback names. */
import { Jid, JidError } from '../address/jid.ts'

/** Undefined where it is none: nothing there, no address, or somebody at a domain. */
export function domainIn(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    const jid = Jid.parse(text)
    return jid.isDomain ? jid.domain : undefined
  } catch (cause) {
    if (cause instanceof JidError) return undefined
    throw cause
  }
}
