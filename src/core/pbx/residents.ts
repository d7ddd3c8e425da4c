/** Who of a PBX's extensions has logged in here: those have a list of contacts here, and their presence is ours. */
import type { SipUri } from '../../address/sip-uri.ts'
import type { Kept } from '../../store/port.ts'

export class Residents {
  readonly #aors = new Set<string>()

  constructor(readonly kept: Kept) {}

  has({ aor }: SipUri): boolean {
    return this.#aors.has(aor)
  }

  async add({ aor }: SipUri): Promise<void> {
    if (this.#aors.has(aor)) return
    this.#aors.add(aor)
    await this.kept.put({ key: aor, owner: aor, expiresAt: undefined, data: '' })
  }

  async restore(now: number): Promise<void> {
    for (const { key } of await this.kept.load(now)) this.#aors.add(key)
  }
}
