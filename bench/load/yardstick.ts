/** How fast the machine is just now: milliseconds that a fixed piece of work takes this process. On a shared machine this varies, and every other figure with it. */
import { createHash } from 'node:crypto'

const text = 'x'.repeat(1_000)

export function yardstick(): number {
  const before = process.cpuUsage()
  let sum = 0
  for (let n = 0; n < 4_000; n++) {
    const words = text.slice(n % 500).split('x')
    sum += words.length + createHash('sha256').update(text).digest().readUInt8(0)
  }
  const { user, system } = process.cpuUsage(before)
  if (sum === 0) throw new Error('nothing was measured')
  return (user + system) / 1_000
}
