/** SIP over TCP: connections others open to us, and ours to them. */
import { createConnection, type Socket } from 'node:net'
import { Connection, type Owner } from './connection.ts'
import { Connections } from './connections.ts'
import { hostPort, plainAddress } from './transport.ts'

export class TcpTransport extends Connections<Connection> implements Owner {
  readonly transport = 'tcp'
  protected readonly defaultPort = 5_060

  protected accepted(socket: Socket, host: string, port: number): void {
    const connection = new Connection(socket, this.newFlow(), hostPort(host, port), host, port, this)
    this.enter(connection)
    connection.open(plainAddress(socket.localAddress ?? ''), this.limits.firstMessageMs)
  }

  protected dial(host: string, port: number, _name: string | undefined, localAddress: string | undefined): Connection {
    const socket = createConnection({ host, port, ...(localAddress === undefined ? {} : { localAddress }) })
    this.counts(socket, host)
    const connection = new Connection(socket, this.newFlow(), hostPort(host, port), host, port, this)
    socket.setTimeout(this.limits.connectMs)
    socket.once('connect', () => connection.open(plainAddress(socket.localAddress ?? ''), this.limits.idleMs))
    return connection
  }
}
