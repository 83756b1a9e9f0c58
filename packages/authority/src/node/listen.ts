import type { Server } from "node:http";
import { isLoopbackAddress } from "../values/address.ts";

/** The hosts that stand for both usual addresses of this machine. */
export const loopbackNames: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/**
 * Whether what is said to this host stays on this machine: `localhost`, an address in 127.0.0.0/8, or ::1. Of another name
 * nobody knows.
 *
 * @example
 * ```ts
 * import { isLoopbackHost } from "@countersign/authority/node";
 * isLoopbackHost("127.0.0.1"); // true
 * ```
 */
export function isLoopbackHost(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}

/**
 * Binds servers to one port. `localhost` and its two usual addresses stand for both of them, where this machine has
 * both: a client may resolve the name to either, and what is left free another program could take.
 *
 * @throws {Error} EADDRINUSE and its like, as the system says it.
 */
export async function listenAt(host: string, port: number, make: () => Server): Promise<readonly Server[]> {
  if (!loopbackNames.has(host)) return [await bind(make(), host, port)];
  for (let attempt = 1; ; attempt++) {
    const first = await bind(make(), "127.0.0.1", port);
    try {
      const second = await bindIfPresent(make(), "::1", portOf(first));
      return second === undefined ? [first] : [first, second];
    } catch (error) {
      first.close();
      // A port that the system chose for one address may be taken on the other.
      if (port !== 0 || attempt === 10) throw error;
    }
  }
}

/** The port a bound server listens on. */
export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new TypeError("Cannot tell the port: the server is not bound");
  return address.port;
}

function bind(server: Server, host: string, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

async function bindIfPresent(server: Server, host: string, port: number): Promise<Server | undefined> {
  try {
    return await bind(server, host, port);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT" || code === "EINVAL") return undefined;
    throw error;
  }
}
