/** Which Stoxgate this is, from the package's own file. */
import fs from 'node:fs'

export function software(): { readonly name: string; readonly version: string } {
  const text = fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  return { name: 'Stoxgate', version }
}
