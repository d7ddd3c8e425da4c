/** Two telephones of the gateway that call each other, for the conversations about calls. */
import type { Caller, Side } from './caller.ts'
import { type Town, type TownOptions, town } from './town.ts'

export const ROMEO = 'sip:romeo@xmpp.example'
/** Another stack has no proxy. */
export const WITH_CALLS = { stack: 'embedded', limits: { ringingMs: 300 } } as const

export interface Calling {
  readonly verona: Town
  readonly juliet: Caller
  readonly romeo: Caller
}

export async function calling(options: TownOptions = {}): Promise<Calling> {
  const verona = await town({ ...WITH_CALLS, ...options })
  return { verona, juliet: await verona.caller('juliet'), romeo: await verona.caller('romeo') }
}

/** A call that was answered. */
export async function talking(from: Caller, to: Caller): Promise<{ caller: Side; called: Side }> {
  const call = await from.call(to.aor)
  const rung = await to.rung()
  rung.answer()
  const caller = await call.answered()
  return { caller, called: await rung.talking() }
}
