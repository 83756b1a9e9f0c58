import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { ServerLimits } from "./limits.ts";

/** The connections of each server; of those in a TLS handshake Node's HTTP server knows nothing. */
const tracked = new WeakMap<Server, Connections>();

interface Connections {
  readonly open: Set<Socket>;
  /** Those without a finished TLS handshake, by their peer. */
  readonly handshaking: Map<string, Socket>;
}

/** Remembers every connection that a server accepts. One whose TLS handshake takes twice as long as it may is destroyed. */
export function trackSockets(server: Server, tls: boolean, { handshakeMs }: Pick<ServerLimits, "handshakeMs">): void {
  const connections: Connections = { open: new Set(), handshaking: new Map() };
  tracked.set(server, connections);
  server.on("connection", (socket: Socket) => {
    connections.open.add(socket);
    socket.once("close", () => connections.open.delete(socket));
    if (tls) boundHandshake(socket, connections, 2 * handshakeMs);
  });
  server.on("secureConnection", (socket: TLSSocket) => connections.handshaking.delete(peerOf(socket)));
}

/** Node bounds the handshake too, but does not destroy the socket when time is up. */
function boundHandshake(socket: Socket, { handshaking }: Connections, atMostMs: number): void {
  const peer = peerOf(socket);
  handshaking.set(peer, socket);
  const isDue = () => handshaking.get(peer) === socket;
  const timer = setTimeout(() => isDue() && socket.destroy(), atMostMs);
  socket.once("close", () => {
    clearTimeout(timer);
    if (isDue()) handshaking.delete(peer);
  });
}

/** Whether the TLS handshake of a socket is unfinished: what is written to it then is never sent. */
export function isHandshaking(server: Server, socket: Socket): boolean {
  return tracked.get(server)?.handshaking.has(peerOf(socket)) === true;
}

/** Closes servers: no new connection, idle ones at once, the others after their response, what is left after `atMostMs`. */
export async function closeAll(servers: readonly Server[], atMostMs: number): Promise<void> {
  const timer = setTimeout(() => servers.forEach(destroyAll), atMostMs);
  await Promise.all(servers.map(closed));
  clearTimeout(timer);
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    destroyHandshakes(server);
  });
}

/** Destroys what has no TLS connection yet: no request can have come on it. */
function destroyHandshakes(server: Server): void {
  for (const socket of tracked.get(server)?.handshaking.values() ?? []) socket.destroy();
}

/** Destroys every connection of a server. */
function destroyAll(server: Server): void {
  for (const socket of tracked.get(server)?.open ?? []) socket.destroy();
}

function peerOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
