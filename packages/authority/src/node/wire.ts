import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Connection } from "../caller.ts";

/** What the server remembers of one socket, over all the requests that come on it. */
export interface Wire {
  readonly connection: Connection;
  /** Requests that came so far. */
  requests: number;
  /** Requests that came after the last one. */
  ignored: number;
  /** Requests that were accepted and not yet answered. */
  answering: number;
  /** The last request has come: nothing that still arrives is one. */
  closing: boolean;
}

/**
 * Knows the peer of each socket. A client certificate is passed on as the handshake proved it; `trusted` says that its
 * chain leads to a configured authority, which it cannot when none is configured: the machine's own roots, meant for
 * servers of the web, are no ground to trust a client.
 */
export function createWires(options: { readonly clientAuthorities: boolean }): (socket: Socket) => Wire {
  const wires = new WeakMap<Socket, Wire>();
  return (socket) => {
    const known = wires.get(socket);
    if (known !== undefined) return known;
    const wire = {
      connection: connectionOf(socket, options.clientAuthorities),
      requests: 0,
      ignored: 0,
      answering: 0,
      closing: false,
    };
    wires.set(socket, wire);
    return wire;
  };
}

function connectionOf(socket: Socket, clientAuthorities: boolean): Connection {
  const address = socket.remoteAddress === undefined ? {} : { address: socket.remoteAddress };
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (certificate === undefined || !(socket instanceof TLSSocket)) return address;
  const trusted = clientAuthorities && socket.authorized;
  return { ...address, certificate: { der: new Uint8Array(certificate.raw), trusted } };
}
