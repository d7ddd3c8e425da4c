/** From a file to settings, or to all its mistakes at once. */
import fs from 'node:fs'
import type { z } from 'zod'
import { disagreements } from './agreement.ts'
import { ConfigDocument } from './document.ts'
import type { Mistake } from './mistake.ts'
import { mistakesFrom } from './mistakes.ts'
import { schema } from './schema.ts'
import { type Settings, settingsFrom } from './settings.ts'

/** Read where no file is named; where it is not there either, the defaults do. */
export const DEFAULT_FILE = 'config/stoxgate.yaml'

/** Characters of a file worth reading; a configuration of a thousand domains has a tenth of it. */
const FILE_MAX_BYTES = 4_194_304

export type Loaded =
  | { readonly settings: Settings; readonly mistakes?: never }
  | { readonly settings?: never; readonly mistakes: readonly [Mistake, ...Mistake[]] }

/** `file`: as the operator named it; undefined: the default one if it is there. */
export async function loadSettings(file?: string): Promise<Loaded> {
  const name = file ?? DEFAULT_FILE
  let text: string
  try {
    if (fs.statSync(name).size > FILE_MAX_BYTES) return unreadable(name, `is larger than ${FILE_MAX_BYTES} bytes; is it the right file?`)
    text = fs.readFileSync(name, 'utf8')
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (file === undefined && code === 'ENOENT') return { settings: settingsFrom(schema.parse({}), undefined) }
    return unreadable(name, reason(code, cause))
  }
  return settingsOf(name, text)
}

/** The same from text that was read already. */
export async function settingsOf(file: string, text: string): Promise<Loaded> {
  const document = new ConfigDocument(file, text)
  if (isSome(document.mistakes)) return { mistakes: document.mistakes }
  const { value } = document
  const { data, error } = schema.safeParse(value)
  if (!error) {
    const settings = settingsFrom(data, file)
    const mistakes = await disagreements(settings, document)
    return isSome(mistakes) ? { mistakes } : { settings }
  }
  const mistakes = [...mistakesFrom(error.issues, schema, document), ...(await disagreementsBeside(error.issues, value, document))]
  mistakes.sort((a, b) => a.line - b.line)
  if (isSome(mistakes)) return { mistakes }
  throw error
}

/** All mistakes at once: the sections without any are looked at further, as if the others were not there. */
async function disagreementsBeside(issues: readonly z.core.$ZodIssue[], value: unknown, document: ConfigDocument): Promise<Mistake[]> {
  if (typeof value !== 'object' || value === null) return []
  const wrong = new Set(issues.flatMap(({ path, ...issue }) => (path.length > 0 ? [String(path[0])] : 'keys' in issue ? issue.keys : [])))
  const { data } = schema.safeParse(Object.fromEntries(Object.entries(value).filter(([section]) => !wrong.has(section))))
  return data === undefined ? [] : disagreements(settingsFrom(data, document.file), document, wrong)
}

function unreadable(file: string, sentence: string): Loaded {
  return { mistakes: [{ file, line: 1, key: 'file', sentence }] }
}

function reason(code: unknown, cause: unknown): string {
  if (code === 'ENOENT') return 'is not there; name another with -c, or copy config/example.yaml'
  if (code === 'EACCES') return 'cannot be read: this user has no right to it'
  if (code === 'EISDIR') return 'is a directory'
  return `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`
}

function isSome<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0
}
