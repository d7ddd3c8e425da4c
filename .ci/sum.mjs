// The plain closing line of .ci/run: what vitest's JSON reports add up to. Exit 1 where something failed or nothing ran.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [folder, stepsFailed, code] = process.argv.slice(2)
const sum = { passed: 0, failed: 0, skipped: 0 }
let reportsFailed = 0
for (const file of readdirSync(folder)) {
  if (!file.endsWith('.json')) continue
  const report = JSON.parse(readFileSync(join(folder, file), 'utf8'))
  sum.passed += report.numPassedTests
  // A file that could not even be loaded has no test that failed.
  sum.failed += report.numFailedTests || (report.success ? 0 : 1)
  sum.skipped += report.numPendingTests + (report.numTodoTests ?? 0)
  if (!report.success) reportsFailed++
}
sum.failed += Math.max(Number(stepsFailed) - reportsFailed, 0)
if (Number(code) !== 0 && sum.failed === 0) sum.failed = 1
const skipped = sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''
process.stdout.write(`${sum.passed} passed, ${sum.failed} failed${skipped}\n`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0
