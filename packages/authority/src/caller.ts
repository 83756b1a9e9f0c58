import type { ClientRecord } from "./store/records.ts";

/** Who is at the other end of the connection. Comes from the socket and the version, never from a header. */
export interface Connection {
  /** The socket peer's IP address; absent when unknown, which is never loopback. */
  readonly address?: string;
  /** Whether the message shows by its version that a proxy sent it, which is never loopback. @default false */
  readonly relayed?: boolean;
  /** The certificate that the TLS handshake proved, as DER, and whether its chain leads to a configured authority. */
  readonly certificate?: { readonly der: Uint8Array; readonly trusted: boolean };
}

/** The peer of a request, after the rules on proxies and loopback. */
export interface Peer {
  /** The client's IP address: the socket's, or what a configured trusted proxy says. */
  readonly address?: string;
  /** Whether the request came over the loopback interface and through no proxy. */
  readonly loopback: boolean;
  /** The client certificate of the connection, as in {@link Connection}. */
  readonly certificate?: Connection["certificate"];
}

/** An authenticated client. */
export interface Caller {
  /** The client as it is stored. */
  readonly client: ClientRecord;
  /** False for public clients, which only say who they are. */
  readonly confidential: boolean;
  /** SHA-256 of the certificate presented, base64url: tokens are bound to it (RFC 8705 section 3.1). */
  readonly certificateThumbprint?: string;
}

/** What a request says of its client, free of HTTP (RFC 6749 section 2.3, RFC 7521 section 4.2). */
export interface ClientCredentials {
  readonly clientId?: string;
  /** From the Authorization header. */
  readonly basic?: { readonly clientId: string; readonly secret: string };
  /** From the body. */
  readonly secret?: string;
  readonly assertionType?: string;
  readonly assertion?: string;
}
