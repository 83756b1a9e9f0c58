import type { ClientRecord } from "./store/records.ts";

/** Who is at the other end of the connection. Comes from the socket, never from a header. */
export interface Connection {
  /** The socket peer's IP address; absent when unknown, which is never loopback. */
  readonly address?: string;
  /** The DER bytes of the certificate that the TLS handshake proved, and whether its chain was trusted. */
  readonly certificate?: { readonly der: Uint8Array; readonly trusted: boolean };
}

/** An authenticated client. */
export interface Caller {
  readonly client: ClientRecord;
  /** False for public clients, which only say who they are. */
  readonly confidential: boolean;
  /** SHA-256 of the certificate presented, base64url, when tokens are to be bound to it (RFC 8705 section 3.1). */
  readonly certificateThumbprint?: string;
}
