/** What a long run may leave behind: nothing that grows with its length. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

export interface Footprint {
  readonly heapBytes: number
  /** Sockets, timers and the like. */
  readonly handles: number
}

export function footprint(): Footprint {
  collectGarbage()
  return { heapBytes: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length }
}
