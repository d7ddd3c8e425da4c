/** The event packages that are spoken here (RFC 6665 §7.2), as data. */
export interface EventPackage {
  readonly event: string
  /** Types of its documents; the first is what who names none is given. */
  readonly types: readonly string[]
  /** Whether one SUBSCRIBE may make several dialogs (RFC 6665 §5.4.9): where not, only the first NOTIFY makes one. */
  readonly forks: boolean
}

export const PACKAGES: readonly EventPackage[] = [
  { event: 'presence', types: ['application/pidf+xml'], forks: false }, // RFC 3856 §6.9
  { event: 'dialog', types: ['application/dialog-info+xml'], forks: true }, // RFC 4235 §3.9
  { event: 'presence.winfo', types: ['application/watcherinfo+xml'], forks: false }, // RFC 3857 §4.9
]
