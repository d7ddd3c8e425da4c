/** The newest schema as the query layer knows it: what migrations/ builds. */
import type { Generated } from 'kysely'

/** libsql takes Buffers and gives ArrayBuffers. */
export type Bytes = Uint8Array | ArrayBuffer

export interface Tables {
  account: {
    id: Generated<number>
    domain: string
    local: string
    /** Milliseconds since 1970. */
    created_at: number
    sha1_salt: Bytes
    sha1_iterations: number
    sha1_stored_key: Bytes
    sha1_server_key: Bytes
    sha256_salt: Bytes
    sha256_iterations: number
    sha256_stored_key: Bytes
    sha256_server_key: Bytes
    sha512_salt: Bytes | null
    sha512_iterations: number | null
    sha512_stored_key: Bytes | null
    sha512_server_key: Bytes | null
    digest_md5: Bytes | null
    sip_md5_local: string | null
    sip_md5_full: string | null
    sip_sha256_local: string | null
    sip_sha256_full: string | null
  }
  binding: {
    aor: string
    position: number
    contact: string
    expires_at: number
    data: string
  }
  roster: {
    /** user@domain, as all the tables of a roster have it. */
    account: string
    version: number
  }
  contact: {
    account: string
    jid: string
    name: string | null
    /** A JSON list. */
    groups: string
    subscription: string
    pending_out: number
    approved: number
    /** The stanza as XML. */
    pending_in: string | null
    listed: number
  }
  kept: {
    room: string
    key: string
    owner: string
    expires_at: number | null
    data: string
  }
  sealed: {
    account_id: number
    /** A SealedUse. */
    use: string
    key_id: string
    nonce: Bytes
    box: Bytes
  }
  secret: {
    name: string
    value: Bytes
  }
}

export function bufferOf(bytes: Bytes): Buffer {
  return bytes instanceof ArrayBuffer ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
