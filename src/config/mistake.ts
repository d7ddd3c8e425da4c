/** What is wrong with a configuration, where it stands, and what would be right. */

export interface Mistake {
  readonly file: string
  readonly line: number
  /** `domains[0].name`; `file` or `yaml` where it is about no key. */
  readonly key: string
  readonly sentence: string
}

/** The contract's form: `file:line: key: sentence`. */
export function mistakeLine({ file, line, key, sentence }: Mistake): string {
  return `${file}:${line}: ${key}: ${sentence}`
}

export type Path = readonly (string | number)[]

export function keyOf(path: Path): string {
  let key = ''
  for (const step of path) key += typeof step === 'number' ? `[${step}]` : key === '' ? step : `.${step}`
  return key === '' ? 'file' : key
}
