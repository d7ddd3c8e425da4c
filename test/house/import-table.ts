/** Who may import whom, read from the table in docs/architecture.md, so that the page and the code cannot disagree. */
import { read } from './sources.ts'

export const PAGE = 'docs/architecture.md'
const HEADING = '## Who may import whom'

/** For each room, the rooms it may import; `everything` for the rooms that join the others. */
export function importTable(): ReadonlyMap<string, readonly string[]> {
  const page = read(PAGE)
  const start = page.indexOf(HEADING)
  if (start < 0) throw new Error(`${PAGE} has no section "${HEADING}"`)
  const section = page.slice(start + HEADING.length).split('\n## ')[0] ?? ''
  const table = new Map<string, readonly string[]>()
  for (const row of section.split('\n').filter((line) => line.startsWith('| `'))) {
    const [, rooms = '', allowed = ''] = row.split('|')
    for (const room of quoted(rooms)) {
      if (table.has(room)) throw new Error(`${PAGE}: two rows for ${room}`)
      table.set(room, allowed.trim() === 'everything' ? ['everything'] : quoted(allowed))
    }
  }
  return table
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
}

/** The row of the table that a file of src/ falls under. */
export function roomOf(path: string): string {
  const [, first = '', second = '', third] = path.split('/')
  if (second === '' || first === 'cli' || first === 'demo') return 'main'
  if (second === 'port.ts' || third === 'port.ts') return `${first}/port`
  if (first === 'sip') return third === undefined && second !== 'memory.ts' ? 'sip/message' : 'sip/*'
  return first
}

/** Why this import is not allowed; undefined where it is. */
export function objection(path: string, imported: string, table: ReadonlyMap<string, readonly string[]>): string | undefined {
  const from = roomOf(path)
  const to = roomOf(imported)
  const allowed = table.get(from)
  if (allowed === undefined) return `${path}: ${PAGE} has no row for the room ${from}`
  if (from === 'sip/*' && to === 'sip/*' && adapter(path) !== adapter(imported))
    return `${path} imports ${imported}: an adapter knows no other adapter`
  if (from === to || allowed.includes(to) || allowed[0] === 'everything') return undefined
  return `${path} imports ${imported}: ${from} may import ${allowed.join(', ') || 'nothing of ours'}, not ${to} (${PAGE})`
}

/** memory.ts is the embedded stack on a network that is only a queue. */
function adapter(path: string): string {
  const name = path.split('/')[2] ?? ''
  return name === 'memory.ts' ? 'embedded' : name
}
