/** Text in a terminal: how many columns it takes (UAX 11, UTS 51, as far as messages of people need them), cut to fit, and made harmless. */

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' })
const WIDE =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\p{Emoji_Modifier}?\ufe0f|\p{Regional_Indicator}{2}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}])/u
const WITHOUT_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
const PRINTABLE_ASCII = /^[ -~]*$/

export function columnsOf(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length
  let columns = 0
  for (const { segment } of graphemes.segment(text)) columns += columnsOfOne(segment)
  return columns
}

function columnsOfOne(grapheme: string): number {
  return WITHOUT_WIDTH.test(grapheme) ? 0 : WIDE.test(grapheme) ? 2 : 1
}

/** At most so many columns; what is cut off leaves an ellipsis. */
export function fitted(text: string, most: number): string {
  if (columnsOf(text) <= most) return text
  if (most < 1) return ''
  let kept = ''
  let columns = 0
  for (const { segment } of graphemes.segment(text)) {
    columns += columnsOfOne(segment)
    if (columns > most - 1) break
    kept += segment
  }
  return `${kept.trimEnd()}…`
}

/** In lines of at most so many columns, divided at spaces. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`
    if (line !== '' && columnsOf(longer) > most) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

/** The same for text without sense for spaces, in so many lines at most; words longer than a line are divided. */
export function folded(text: string, most: number, linesMost: number): string[] {
  const lines: string[] = []
  let rest = text
  while (columnsOf(rest) > most && lines.length < linesMost - 1) {
    const [line = ''] = wrapped(rest, most)
    const head = columnsOf(line) <= most ? line : fitted(line, most + 1).replace(/…$/, '')
    lines.push(head)
    rest = rest.slice(head.length).trimStart()
  }
  return [...lines, fitted(rest, most)]
}

/** What strangers write must not move the cursor, change colours, or turn the direction of the line it stands in. */
export function harmless(text: string): string {
  return text
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Co}\p{Cs}]/gu, '·')
}
