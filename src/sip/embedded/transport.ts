/** The seam between transactions and sockets: a transport is one file behind these shapes (RFC 3261 §18). */
import type { SipParseError } from '../codec.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import type { Listening, NextHop, Transport } from '../port.ts'

/** One way out: a UDP socket, which reaches anybody, or one connection. */
export interface Way {
  readonly transport: Transport
  /** Whether it loses nothing by itself, so that nothing is sent twice. */
  readonly isReliable: boolean
  /** What a NextHop calls it. */
  readonly flow: string
  readonly isOpen: boolean
  /** The SIP domains the peer's certificate names (RFC 5922 §7.1), where it was verified. */
  readonly identity?: readonly string[] | undefined
  /** The address of ours that the peer at this host sees or is told. */
  localFor(host: string): NextHop
  /** `sender` hears if nothing can come back; a response has none. A connection ignores host and port. */
  send(bytes: Buffer, host: string, port: number, sender?: Sender): void
  /** This sender has its answer. */
  forget(sender: Sender): void
}

/** A client transaction that waits for an answer on a way. */
export interface Sender {
  /** `neverOpen`: the peer has not seen a byte. */
  wayFailed(cause: Error, neverOpen: boolean): void
}

/** Whom a transport tells what came. */
export interface Receiver {
  received(message: SipRequest | SipResponse, way: Way, host: string, port: number): void
  broken(error: SipParseError, way: Way, host: string, port: number): void
}

export interface TransportLayer {
  readonly transport: Transport
  /** Binds every listener of this transport, or throws and leaves none. */
  listen(receiver: Receiver): Promise<Listening[]>
  /** The named flow, the way that is there, or a new one; throws NoResponseError where there can be none. The host is an IP address; `name`: what the peer's certificate must name. */
  wayTo(host: string, port: number, flow: string | undefined, name?: string): Way
  /** Tells when a flow is dead; see the port. */
  watchFlow?(hop: NextHop, silentMs: number, lifeMs: number, ended: () => void): void
  /** Where that host reaches us. */
  localFor(host: string, flow: string | undefined): NextHop
  /** No new connections; those that are there go on. */
  refuseNew(): void
  close(): Promise<void>
}

/** `host:port`, as Via, logs and tables of connections write it. */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** An IPv4 peer of a dual-stack socket shows as ::ffff:192.0.2.1; SIP knows it by its own address. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

export function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1'
}

export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::'
}
