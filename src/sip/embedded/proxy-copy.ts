/** The copy of a request that one branch gets (RFC 3261 §16.6 steps 1 to 6, RFC 5393 §5.3). */
import { SipRequest } from '../message.ts'
import { parseNameAddr } from '../name-addr.ts'
import type { Branch } from '../port.ts'
import { SipSyntaxError } from '../syntax-error.ts'

/** RFC 5393 §5.3.3: what a request may have that names no Max-Breadth. */
const BREADTH_DEFAULT = 60

/** Branches that may be open at one time for this request, over all proxies together. */
export function breadthOf(request: SipRequest): number {
  const text = request.headers.get('max-breadth')
  return text !== undefined && /^\d{1,4}$/.test(text) ? Number(text) : BREADTH_DEFAULT
}

/** `recordRoutes`: topmost first. */
export function copyFor(request: SipRequest, branch: Branch, recordRoutes: readonly string[], breadth: number): SipRequest {
  const headers = request.headers.copy()
  for (const route of recordRoutes.toReversed()) headers.prepend('Record-Route', route)
  headers.set('Max-Breadth', String(breadth))
  const routes = [...branch.route, ...request.headers.values('route')]
  if (routes.length > 0 && !isLoose(routes[0] ?? '')) {
    // §16.6 step 6: for a strict router the Request-URI is the last of the routes.
    const uri = uriOf(routes.shift() ?? '') ?? branch.uri
    setRoutes(headers, [...routes, `<${branch.uri}>`])
    return new SipRequest(request.method, uri, headers, request.body)
  }
  setRoutes(headers, routes)
  return new SipRequest(request.method, branch.uri, headers, request.body)
}

export function setRoutes(headers: SipRequest['headers'], routes: readonly string[]): void {
  headers.remove('route')
  for (const route of routes.toReversed()) headers.prepend('Route', route)
}

/** The URI of a Route; undefined where it cannot be read. */
export function uriOf(route: string): string | undefined {
  try {
    return parseNameAddr(route).uri
  } catch (cause) {
    if (cause instanceof SipSyntaxError) return undefined
    throw cause
  }
}

function isLoose(route: string): boolean {
  return /;lr(?:[=;?]|$)/i.test(uriOf(route) ?? '')
}
