/** message/cpim as we write it (RFC 3862 §2): around a text that asks for receipts, and around a receipt (RFC 5438 §12.1.1). */
import { formatDateTime } from '../stanza/datetime.ts'

export const CPIM = 'message/cpim'

export interface Wrapped {
  /** URIs. */
  readonly from: string
  readonly to: string
  readonly sentAt: Date
  readonly messageId: string
  /** Disposition-Notification; absent in an IMDN, which never asks for one (§7.2.1). */
  readonly wishes?: string
  readonly routes?: readonly string[]
  /** Content-Type, and what else is said of the content: name, value …. */
  readonly fields: readonly string[]
  readonly content: string
}

export function wrapped({ from, to, sentAt, messageId, wishes, routes = [], fields, content }: Wrapped): string {
  const lines = [
    `From: <${from}>`,
    `To: <${to}>`,
    `DateTime: ${formatDateTime(sentAt)}`,
    'NS: imdn <urn:ietf:params:imdn>',
    `imdn.Message-ID: ${messageId}`,
  ]
  if (wishes !== undefined) lines.push(`imdn.Disposition-Notification: ${wishes}`)
  for (const route of routes) lines.push(`imdn.IMDN-Route: ${route}`)
  lines.push('')
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`)
  lines.push(`Content-Length: ${Buffer.byteLength(content)}`, '', content)
  return lines.join('\r\n')
}
