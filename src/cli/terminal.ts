/** Where a command reads and writes; a test gives its own. */

/** Of standard input, what a command uses. */
export interface Input extends AsyncIterable<Buffer | string> {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  on(event: string, listener: (chunk: Buffer | string) => void): unknown
  off(event: string, listener: (chunk: Buffer | string) => void): unknown
  pause(): unknown
  resume(): unknown
}

export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

export interface Terminal {
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
}
