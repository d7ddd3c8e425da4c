/** What keeps a store from opening or working, as a sentence for the operator with the cure. */

export class StoreError extends Error {
  override name = 'StoreError'
}

/** The sentence for what SQLite or the file system said; undefined where it is no news about the file but our own mistake. */
export function sentenceFor(cause: unknown, file: string): string | undefined {
  switch (codeOf(cause)) {
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return `${file} is locked by another program: close what has it open (a database browser, a backup) and try again`
    case 'SQLITE_NOTADB':
      return `${file} is no SQLite database: move it away, or let store.sqlite name another file`
    case 'SQLITE_CORRUPT':
      return `${file} is damaged: put back a copy, or move it away to begin with an empty one`
    case 'SQLITE_FULL':
    case 'ENOSPC':
      return `${file} cannot grow: the disk is full`
    case 'SQLITE_READONLY':
    case 'EROFS':
      return `${file} can only be read: give the user the gateway runs as the right to write it and its directory`
    case 'EACCES':
    case 'EPERM':
      return `${file} cannot be opened: the user the gateway runs as has no right to it or to its directory`
    case 'ENOTDIR':
    case 'EEXIST':
      return `${file} cannot be made: a part of its path is a file, not a directory`
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_IOERR':
      return `${file} cannot be opened or read: ${messageOf(cause)}`
    default:
      // libsql's own failure to open has no code.
      return messageOf(cause).includes('Unable to open') ? `${file} cannot be opened: ${messageOf(cause)}` : undefined
  }
}

function codeOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  // Extended codes say more behind the plain one: SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE.
  return code.startsWith('SQLITE_') ? code.split('_').slice(0, 2).join('_') : code
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
