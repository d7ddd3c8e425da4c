/** What to do with a gateway that has no account yet: from the first start to two people who talk. */
import os from 'node:os'
import path from 'node:path'
import { DEFAULT_FILE } from '../config/load.ts'
import type { Settings } from '../config/settings.ts'
import type { Listening } from '../sip/port.ts'
import { hostPort } from './host-port.ts'

export function nextSteps(settings: Settings, listening: readonly Listening[]): string {
  const [domain] = settings.domains
  if (!domain) return ''
  const option = settings.file === undefined || settings.file === DEFAULT_FILE ? '' : ` -c ${settings.file}`
  const xmpp = listening.find(({ what }) => what === 'xmpp') ?? listening.find(({ what }) => what === 'xmpps')
  const sip = listening.filter(({ what }) => what.startsWith('sip/'))
  const { pbx } = domain
  const lines = pbx?.register
    ? ['', `The accounts of ${domain.name} are the extensions of ${pbx.uri}, with the passwords they have there.`]
    : [
        '',
        'There is no account yet. In another terminal, in this directory:',
        `  npx stoxgate account add juliet@${domain.name}${option}`,
        `  npx stoxgate account add romeo@${domain.name}${option}`,
      ]
  if (xmpp) {
    lines.push(
      `An XMPP client logs in as ${pbx?.register ? 'EXTENSION' : 'juliet'}@${domain.name}, server ${reachable(xmpp.address, xmpp.port)}${xmpp.what === 'xmpps' ? ' (direct TLS)' : ''}.`,
    )
    if (!domain.certificate) lines.push('It will ask about the certificate, which is self-signed.')
  }
  // Telephones of a domain that lives on a PBX register there.
  if (sip.length > 0 && domain.telephones && !pbx)
    lines.push(`A telephone registers as romeo, domain ${domain.name}, proxy ${proxies(sip)}, with the same kind of password.`)
  const outside = seenFromOutside(listening)
  if (outside) lines.push(`From other machines it is ${outside} instead of ${HERE}.`)
  lines.push(`The domain stands in ${path.normalize(settings.file ?? DEFAULT_FILE)}; config/example.yaml has every option.`, '')
  return lines.join('\n')
}

/** `127.0.0.1:5060 (UDP or TCP), 127.0.0.1:5061 (TLS)`. */
function proxies(listening: readonly Listening[]): string {
  const transports = new Map<string, string[]>()
  for (const { what, address, port } of listening) {
    const where = reachable(address, port)
    transports.set(where, [...(transports.get(where) ?? []), what.slice('sip/'.length).toUpperCase()])
  }
  return [...transports].map(([where, names]) => `${where} (${names.join(' or ')})`).join(', ')
}

/** What is typed on this machine to get there. */
const reachable = (address: string, port: number): string => hostPort(isEverywhere(address) ? HERE : address, port)

const HERE = '127.0.0.1'
const isEverywhere = (address: string): boolean => address === '::' || address === '0.0.0.0'

/** How this machine is seen by others, where something listens for them. */
function seenFromOutside(listening: readonly Listening[]): string | undefined {
  if (!listening.some(({ address }) => isEverywhere(address))) return undefined
  const interfaces = Object.values(os.networkInterfaces()).flat()
  return interfaces.find((one) => one?.family === 'IPv4' && !one.internal)?.address
}
