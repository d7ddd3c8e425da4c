/** A name in which one `*` may stand for any characters, at least one: `*`, `*.example`, `sales-*`. */

export class Wildcard {
  readonly #before: string
  /** Undefined where there is no `*`. */
  readonly #after: string | undefined

  /** Throws a RangeError where more than one `*` stands in it. */
  constructor(readonly text: string) {
    const [before = '', after, ...more] = text.split('*')
    if (more.length > 0) throw new RangeError('more than one * in a name')
    this.#before = before
    this.#after = after
  }

  get isWild(): boolean {
    return this.#after !== undefined
  }

  /** What the `*` stands for, nothing where there is none; undefined where the name is another. */
  match(name: string): string | undefined {
    const [before, after] = [this.#before, this.#after]
    if (after === undefined) return name === before ? '' : undefined
    if (name.length <= before.length + after.length || !name.startsWith(before) || !name.endsWith(after)) return undefined
    return name.slice(before.length, name.length - after.length)
  }

  /** The name that comes of it when `*` stands for this. */
  filled(by: string): string {
    return this.#after === undefined ? this.#before : this.#before + by + this.#after
  }
}
