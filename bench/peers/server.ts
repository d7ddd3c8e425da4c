/** A server under test: how it is prepared, started, and ended. */
import type { Ground } from '../ground.ts'

export interface Running {
  readonly pid: number
  /** Where clients connect, plain with STARTTLS offered, on 127.0.0.1. */
  readonly port: number
  /** Where telephones send SIP over UDP; only the gateway has one. */
  readonly sipPort: number | undefined
  /** From the start of the process until it serves. */
  readonly startMs: number
  stop(): Promise<void>
  /** SIGKILL; only the gateway's runs are ended so. */
  kill?(): Promise<void>
  /** Where the gateway sends what is for SIP users of `phones.example`, over UDP. */
  readonly phonesPort?: number
}

export interface Server {
  readonly name: string
  /** What to do so that it can run here; undefined where it can. */
  missing(): string | undefined
  version(): string
  /** Writes configuration and accounts into a folder of its own. */
  prepare(ground: Ground): Promise<void>
  start(): Promise<Running>
}
