/** Why a gateway cannot start, as one line that says what and what to do. */
import { KeyFileError } from '../account/secrets/key-file.ts'
import { ControlError } from '../admin/control.ts'
import { StoreError } from '../store/failure.ts'
import { hostPort } from './host-port.ts'

interface SystemError extends Error {
  readonly code: string
  readonly syscall?: string
  readonly address?: string
  readonly port?: number
  readonly path?: string
}

/** Undefined where it is no news about this machine but a mistake of ours, which keeps its stack. */
export function startFailure(cause: unknown): string | undefined {
  if (cause instanceof StoreError || cause instanceof ControlError || cause instanceof KeyFileError) return cause.message
  if (isSystemError(cause))
    return cause.port === undefined
      ? fileFailure(cause)
      : socketFailure(cause, cause.address === undefined ? `port ${cause.port}` : hostPort(cause.address, cause.port))
  // Rooms that could not read a file or a certificate say so in a plain Error; anything more special (TypeError …) is ours.
  return cause instanceof Error && cause.constructor === Error ? cause.message : undefined
}

function socketFailure({ code, syscall, port = 0, message }: SystemError, where: string): string {
  const kind = syscall === 'bind' ? 'UDP' : 'TCP'
  if (code === 'EADDRINUSE')
    return `${kind} ${where} is in use by another program: stop that one, or give the listener another port in the configuration (ss -lntup shows who listens)`
  if (code === 'EACCES' && port < 1_024)
    return `${kind} ${where} may not be bound: ports below 1024 need the right CAP_NET_BIND_SERVICE, or another port in the configuration`
  if (code === 'EADDRNOTAVAIL')
    return `${where} is no address of this machine: correct the listener's address in the configuration, or leave it away for all of them`
  if (code === 'EAFNOSUPPORT')
    return `${where} is of a kind this machine does not speak (IPv6 switched off?): give the listener an address of the other kind`
  return `${kind} ${where} cannot be bound: ${message}`
}

function fileFailure({ code, path, message }: SystemError): string | undefined {
  if (path === undefined) return undefined
  if (code === 'EACCES' || code === 'EPERM') return `${path} may not be opened: the user the gateway runs as has no right to it`
  if (code === 'EROFS') return `${path} cannot be written: its file system can only be read`
  if (code === 'ENOSPC') return `${path} cannot be written: the disk is full`
  if (code === 'ENOTDIR' || code === 'EEXIST') return `${path} cannot be made: a part of its path is a file, not a directory`
  return `${path} cannot be opened: ${message}`
}

function isSystemError(cause: unknown): cause is SystemError {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && 'syscall' in cause
}
