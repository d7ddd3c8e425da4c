/** From what zod found to what helps: one mistake per key, with its line and its cure. */
import { z } from 'zod'
import { closest } from './closest.ts'
import type { ConfigDocument } from './document.ts'
import { keyOf, type Mistake, type Path } from './mistake.ts'
import { LATER } from './schema.ts'

export function mistakesFrom(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, document: ConfigDocument): Mistake[] {
  const mistakes: Mistake[] = []
  const add = (path: Path, sentence: string) =>
    mistakes.push({ file: document.file, line: document.lineOf(path), key: keyOf(path), sentence })
  for (const issue of issues) {
    // Our keys are text and places in lists; a symbol cannot be written in YAML.
    const path = issue.path.filter((step) => typeof step !== 'symbol')
    if (issue.code === 'unrecognized_keys')
      for (const key of issue.keys) add([...path, key], unknownKey([...path, key], keysAt(schema, path)))
    else add(path, issue.message)
  }
  return mistakes.sort((a, b) => a.line - b.line)
}

function unknownKey(path: Path, known: readonly string[]): string {
  const pattern = keyOf(path).replaceAll(/\[\d+\]/g, '[]')
  if (LATER.has(pattern)) return 'is not in this version yet; remove it'
  const meant = closest(String(path.at(-1)), known)
  return meant === undefined ? `is no key here; there is ${known.join(', ')}` : `is no key here; did you mean ${meant}?`
}

/** The keys of the group at this path. */
export function keysAt(schema: z.ZodType, path: Path): string[] {
  let inner: unknown = schema
  for (const step of [...path, undefined]) {
    inner = bare(inner)
    if (step === undefined) break
    if (inner instanceof z.ZodArray) inner = inner.element
    else if (inner instanceof z.ZodObject) inner = inner.shape[String(step)]
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : []
}

/** Without what only says that it may be absent, or prepares it. */
export function bare(schema: unknown): unknown {
  let inner = schema
  for (;;) {
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional || inner instanceof z.ZodNullable)
      inner = inner.unwrap()
    else if (inner instanceof z.ZodPipe) inner = inner.in instanceof z.ZodTransform ? inner.out : inner.in
    else return inner
  }
}
