/** The tag of a connection's log records, in the model's form: `XMPPI-000123([127.0.0.1]:51234)`. */

/** XMPPI: incoming, its role not known yet, or a server; XMPPS: a client session; XMPPO: ours to another server. */
export type Role = 'XMPPI' | 'XMPPS' | 'XMPPO'

export interface Remote {
  readonly address: string
  readonly port: number
}

export function tagOf(role: Role, number: number, { address, port }: Remote): string {
  return `${role}-${String(number).padStart(6, '0')}([${address}]:${port})`
}
