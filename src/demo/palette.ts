/** Colours of a terminal, from the sixteen that every theme has. */

export type Style = 'plain' | 'faint' | 'strong' | 'xmpp' | 'sip' | 'good' | 'bad'

const CODES: Readonly<Record<Style, string>> = { plain: '', faint: '2', strong: '1', xmpp: '36', sip: '35', good: '32', bad: '31' }

export class Palette {
  constructor(readonly isColoured: boolean) {}

  paint(text: string, style: Style): string {
    return this.isColoured && style !== 'plain' && text !== '' ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text
  }
}

/** Of an output, what tells whether it shows colours. */
export interface Colourable {
  readonly isTTY?: boolean
  hasColors?(): boolean
}

/** Not into a pipe or a file, and not where the person has asked for none (no-color.org: whatever its value, if it has one). */
export function hasColours(output: Colourable, env: Readonly<Record<string, string | undefined>>): boolean {
  return output.isTTY === true && !env.NO_COLOR && output.hasColors?.() === true
}
