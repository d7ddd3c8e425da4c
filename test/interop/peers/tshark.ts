/** tshark (Debian: tshark) listens on the loopback interface to our own ports only, and says how it reads each packet as SIP. */
import { Arrivals } from './arrivals.ts'
import { Program } from './program.ts'

export interface Sighted {
  /** Empty for a response. */
  readonly method: string
  /** 0 for a request. */
  readonly status: number
  /** `eth:ethertype:ip:udp:sip:…`. */
  readonly protocols: string
  /** What tshark has against the packet: malformed, or an expert's warning or error. */
  readonly complaints: readonly string[]
  /** Every header field and the body. */
  readonly message: string
}

// Wireshark's severities: chat 0x200000, note 0x400000, warning 0x600000, error 0x800000. A header field it does not know (ours) is a note.
const WARNING = 0x600000

export class Tshark {
  /** SIP, and datagrams on the same ports that tshark cannot read as SIP. */
  readonly packets = new Arrivals<Sighted>('tshark', ({ method, status, protocols }) => `${method}${status} ${protocols}`)

  private constructor(private readonly program: Program) {
    program.lines.listen((line) => {
      if (!line.startsWith('{"timestamp"')) return
      for (const packet of sighted(JSON.parse(line) as Packet)) this.packets.push(packet)
    })
    void program.ended.then(() => this.packets.close('it ended'))
  }

  /** Resolves when it captures. */
  static async start(ports: readonly number[]): Promise<Tshark> {
    const filter = ports.map((port) => `port ${port}`).join(' or ')
    const decode = ports.flatMap((port) => ['-d', `udp.port==${port},sip`, '-d', `tcp.port==${port},sip`])
    // -l: a line for each packet as it comes.
    const program = Program.start({ command: 'tshark', args: ['-i', 'lo', '-f', filter, ...decode, '-l', '-T', 'ek'], package: 'tshark' })
    await program.line('Capture started', 20_000)
    return new Tshark(program)
  }

  request(method: string, match: RegExp, ms?: number): Promise<Sighted> {
    return this.packets.take(`a ${method} with ${match}`, (packet) => packet.method === method && match.test(packet.message), ms)
  }

  response(status: number, match: RegExp, ms?: number): Promise<Sighted> {
    return this.packets.take(`a ${status} with ${match}`, (packet) => packet.status === status && match.test(packet.message), ms)
  }

  async stop(): Promise<void> {
    await this.program.stop('SIGINT')
  }
}

type Layer = Readonly<Record<string, unknown>>
interface Packet {
  readonly layers: Readonly<Record<string, Layer | readonly Layer[]>>
}

/** One TCP segment may hold several messages. */
function sighted({ layers }: Packet): Sighted[] {
  const protocols = text(one(layers.frame).frame_frame_protocols)
  const malformed = '_ws_malformed' in layers ? ['malformed'] : []
  const messages = [layers.sip ?? []].flat()
  if (messages.length === 0) {
    return protocols.includes(':udp') ? [{ method: '', status: 0, protocols, complaints: ['not SIP'], message: '' }] : []
  }
  return messages.map((sip) => ({
    method: text(sip.sip_sip_Method),
    status: Number(text(sip['sip_sip_Status-Code']) || 0),
    protocols,
    complaints: [...malformed, ...experts(sip)],
    message: text(sip.sip_sip_msg_hdr),
  }))
}

function experts(layer: Layer): string[] {
  const said = [layer._ws_expert ?? []].flat() as Layer[]
  return said
    .filter((one) => Number(text(one._ws_expert__ws_expert_severity)) >= WARNING)
    .map((one) => text(one._ws_expert__ws_expert_message))
}

function one(layer: Layer | readonly Layer[] | undefined): Layer {
  return [layer ?? {}].flat()[0] ?? {}
}

function text(value: unknown): string {
  return Array.isArray(value) ? value.join('\n') : typeof value === 'string' ? value : ''
}
