import type { Server } from "node:http";
import { destroyAll, destroyHandshakes } from "./open-sockets.ts";

/** Closes servers: no new connection, idle ones at once, the others after their answer, what is left after `atMostMs`. */
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
