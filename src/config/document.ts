/** The YAML of a configuration, and the line where each of its keys stands. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import type { Mistake, Path } from './mistake.ts'

/** References to one anchor that a file for people may have; beyond it somebody wants to fill the memory. */
const ALIASES_MAX = 100

export class ConfigDocument {
  /** Of the YAML itself; where there are any, `value` says nothing. */
  readonly mistakes: readonly Mistake[]
  /** Plain data; an empty file is an empty group. */
  readonly value: unknown
  readonly #document: Document.Parsed
  readonly #lines = new LineCounter()

  constructor(
    readonly file: string,
    text: string,
  ) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, merge: true })
    this.mistakes = [...this.#document.errors, ...this.#document.warnings].map(({ code, message, pos }) =>
      this.#mistake(pos[0], code === 'DUPLICATE_KEY' ? 'a key stands twice in the same group; keep one of them' : message),
    )
    if (this.mistakes.length > 0) return
    try {
      this.value = this.#document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {}
    } catch (cause) {
      // An alias without its anchor, or too many of them.
      this.mistakes = [this.#mistake(this.#brokenAlias(), cause instanceof Error ? cause.message : String(cause))]
    }
  }

  #mistake(offset: number, message: string): Mistake {
    return { file: this.file, line: this.#lines.linePos(offset).line, key: 'yaml', sentence: message.split('\n')[0] ?? message }
  }

  #brokenAlias(): number {
    let offset = 0
    visit(this.#document, {
      Alias: (_, alias) => {
        if (alias.resolve(this.#document) !== undefined) return undefined
        offset = alias.range?.[0] ?? 0
        return visit.BREAK
      },
    })
    return offset
  }

  /** Of the key, or of what is nearest above it. */
  lineOf(path: Path): number {
    let line = 1
    let node: unknown = this.#document.contents
    for (const step of path) {
      if (isAlias(node)) node = resolved(node, this.#document)
      const found: unknown = isMap(node) ? pairOf(node, step) : isSeq(node) && typeof step === 'number' ? node.items[step] : undefined
      if (found === undefined) return line
      line = this.#lineAt(found) ?? line
      node = isMap(node) ? node.get(step, true) : found
    }
    return line
  }

  #lineAt(node: unknown): number | undefined {
    const offset = (node as Partial<Node>).range?.[0]
    return offset === undefined ? undefined : this.#lines.linePos(offset).line
  }
}

/** The key's own node, which is where a person looks. */
function pairOf(map: YAMLMap, step: string | number): unknown {
  return map.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === String(step))?.key
}

function resolved(alias: Alias, document: Document.Parsed): unknown {
  return alias.resolve(document)
}
