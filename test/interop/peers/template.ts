/** The configurations in sip-fixtures/phones, with {{names}} that a driver fills in. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export const FIXTURES = fileURLToPath(new URL('../../../sip-fixtures/', import.meta.url))

export async function fillIn(template: string, into: string, values: Readonly<Record<string, string | number>>): Promise<void> {
  const text = await readFile(`${FIXTURES}phones/${template}`, 'utf8')
  const filled = text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${template} wants {{${name}}}, which nobody gave`)
    return String(value)
  })
  await writeFile(into, filled)
}
