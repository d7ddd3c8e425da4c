import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sipPage } from './sip-page.ts'
import { xepsPage } from './xeps-page.ts'

/** Pages made from the code's own data. `npm run docs` writes them anew; without that they must be what is there. */
for (const [path, page] of [
  ['docs/xeps.md', xepsPage()],
  ['docs/sip.md', sipPage()],
] as const) {
  test(`${path} says what the code says`, () => {
    if (process.env.STOXGATE_WRITE_DOCS === '1') writeFileSync(path, page)
    expect(readFileSync(path, 'utf8'), 'npm run docs writes it anew').toBe(page)
  })
}
