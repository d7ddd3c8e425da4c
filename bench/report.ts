/** The results as one table: median with spread, ratio to the gateway, and the budget. */
export interface Row {
  readonly work: string
  readonly unit: string
  /** The most the gateway should need, of design's budgets. */
  readonly budget: number | undefined
  /** Values of all rounds, by server; a text is the reason why there is none. */
  readonly cells: Map<string, number[] | string>
}

export interface Spread {
  readonly min: number
  readonly median: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2
  return { min: sorted[0] ?? 0, median, max: sorted.at(-1) ?? 0 }
}

export function table(rows: readonly Row[], ours: string, peers: readonly string[]): string {
  const lines = [['work', 'unit', ours, ...peers, ...peers.map((name) => `${name} ÷ ours`), 'budget', '']]
  for (const row of rows) {
    const own = row.cells.get(ours)
    const median = Array.isArray(own) ? spread(own).median : undefined
    lines.push([
      row.work,
      row.unit,
      cell(own),
      ...peers.map((name) => cell(row.cells.get(name))),
      ...peers.map((name) => ratio(row.cells.get(name), median)),
      row.budget === undefined ? '' : String(row.budget),
      verdict(row, median),
    ])
  }
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? []
  return lines
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cell(found: number[] | string | undefined): string {
  if (found === undefined) return '–'
  if (typeof found === 'string') return found.startsWith('failed') ? 'failed' : found
  const { min, median, max } = spread(found)
  return found.length === 1 ? figure(median) : `${figure(median)} (${figure(min)}–${figure(max)})`
}

function ratio(found: number[] | string | undefined, own: number | undefined): string {
  return Array.isArray(found) && own !== undefined && own > 0 ? figure(spread(found).median / own) : ''
}

function verdict(row: Row, median: number | undefined): string {
  if (row.budget === undefined || median === undefined) return ''
  return median <= row.budget ? 'met' : `${figure(median / row.budget)} times`
}

function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
