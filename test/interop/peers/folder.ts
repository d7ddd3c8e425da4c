/** A folder of its own for what one peer writes, gone when its test ends. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class Folder {
  private constructor(readonly path: string) {}

  static async make(name: string): Promise<Folder> {
    return new Folder(await mkdtemp(join(tmpdir(), `stoxgate-${name}-`)))
  }

  file(name: string): string {
    return join(this.path, name)
  }

  remove(): Promise<void> {
    return rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
