/** Documents that come in versions, whole or as what has changed (RFC 4235 §4.3, RFC 3858 §4): one table for each subscription, kept by the caller. */
import { RefusedError } from '../../core/port.ts'
import type { Element } from '../../xml/element.ts'

export interface Table<Row> {
  readonly version: number
  readonly rows: ReadonlyMap<string, Row>
}

export interface Next<Row> {
  /** The one given, where the document is older than it. */
  readonly table: Table<Row>
  /** Something in between was missed: a refresh brings the whole state. */
  readonly hasGap: boolean
}

/**
 * `table` is undefined before the first document of a subscription. `found` are the rows of this document; those `isOver` says so of leave the table.
 * A whole document of the same version counts: some PBXs never count.
 */
export function nextTable<Row>(
  table: Table<Row> | undefined,
  root: Element,
  found: ReadonlyMap<string, Row>,
  isOver: (row: Row) => boolean,
  rowsMax: number,
): Next<Row> {
  const version = versionOf(root) ?? table?.version ?? 0
  const isPartial = root.attr('state')?.trim().toLowerCase() === 'partial'
  if (table && (version < table.version || (isPartial && version === table.version))) return { table, hasGap: false }
  const rows = new Map<string, Row>(isPartial ? table?.rows : undefined)
  for (const [id, row] of found) {
    if (isOver(row)) rows.delete(id)
    else rows.set(id, row)
  }
  // A partial document can grow the table a little each time.
  if (rows.size > rowsMax) throw new RefusedError(400, `The documents of this subscription name more than ${rowsMax}`)
  return { table: { version, rows }, hasGap: isPartial && version !== (table?.version ?? Number.NaN) + 1 }
}

/** A non-negative integer of 32 bits. */
function versionOf(root: Element): number | undefined {
  const text = root.attr('version')?.trim() ?? ''
  const version = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  return version <= 0xffff_ffff ? version : undefined
}
