/** What somebody meant who wrote something like it. */

/** The word that takes the fewest changes to come to, if they are few for its length. */
export function closest(written: string, words: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const word of words) {
    const changes = changesBetween(written.toLowerCase(), word.toLowerCase())
    if (changes < least && changes <= Math.max(1, Math.floor(word.length / 3))) {
      best = word
      least = changes
    }
  }
  return best
}

/** Characters put in, left out, replaced, or swapped with their neighbour. */
function changesBetween(a: string, b: string): number {
  // Nobody means a word of ten letters with a text of a thousand.
  if (Math.abs(a.length - b.length) > 5) return Number.POSITIVE_INFINITY
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const cell = (i: number, j: number): number => rows[i]?.[j] ?? 0
  for (let i = 1; i <= a.length; i++) {
    rows.push([i])
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let changes = Math.min(cell(i - 1, j) + 1, cell(i, j - 1) + 1, cell(i - 1, j - 1) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) changes = Math.min(changes, cell(i - 2, j - 2) + 1)
      rows[i]?.push(changes)
    }
  }
  return cell(a.length, b.length)
}
