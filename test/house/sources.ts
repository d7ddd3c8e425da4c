/** The source files of this repository and what they import, as text: what the rules of the house are held against. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export interface Source {
  /** From the top of the repository, with forward slashes: `src/core/router.ts`. */
  readonly path: string
  readonly text: string
}

export function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8')
}

/** Every TypeScript file below a folder of the repository. */
export function sourcesIn(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length).replaceAll('\\', '/'))
    .sort()
    .map((path) => ({ path, text: read(path) }))
}

/** Every folder below a folder of the repository, by its own name. */
export function foldersIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length).replaceAll('\\', '/'))
}

const STATEMENT = /^(?:import|export)\s(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm
const CALL = /\bimport\(\s*'([^']+)'/g

/** What a file imports or re-exports, types included: files of ours as paths like its own, anything else as it is written. */
export function importsOf({ path, text }: Source): string[] {
  const names = [...text.matchAll(STATEMENT), ...text.matchAll(CALL)].map((match) => match[1] ?? '')
  return names.map((name) => (name.startsWith('.') ? normalize(join(dirname(path), name)).replaceAll('\\', '/') : name))
}
