import { type Clock, systemClock } from "@countersign/protocol";
import { type Observer, silentObserver } from "./audit/observer.ts";
import type { HttpHandler, RefusalHandler } from "./http/message.ts";
import { connectionStates } from "./node/connection-state.ts";
import { defaultServerLimits, type ServerLimits } from "./node/limits.ts";
import { isLoopbackHost, listenAt, loopbackNames, portOf } from "./node/listen.ts";
import { closeAll } from "./node/open-sockets.ts";
import { createServer, type TlsOptions } from "./node/servers.ts";

export { defaultServerLimits, type ServerLimits } from "./node/limits.ts";
export { isLoopbackHost } from "./node/listen.ts";
export { nodeNetwork } from "./node/network.ts";
export type { TlsOptions } from "./node/servers.ts";

/** Where and how to serve. */
export interface ServeOptions {
  /** An address or name; `localhost` means 127.0.0.1 and, where this machine has it, ::1. @default "localhost" */
  readonly host?: string;
  /** 0 takes any free port. @default 8080 */
  readonly port?: number;
  /** Serves HTTPS. @default none: plain HTTP */
  readonly tls?: TlsOptions;
  /** Allows plain HTTP beyond loopback, where passwords and tokens can be read on the way. @default false */
  readonly insecureHttp?: boolean;
  /** @default {@link defaultServerLimits} */
  readonly limits?: Partial<ServerLimits>;
  /** Hears of requests that were refused before they reached the authority. @default nobody */
  readonly observer?: Observer;
  /** @default the machine's clock */
  readonly clock?: Clock;
}

/** An authority on its sockets. */
export interface Served {
  /** The base URL, without a slash at its end. */
  readonly url: string;
  /** The port that is listened on, also when any free one was asked for. */
  readonly port: number;
  /** Accepts nothing more, answers what was accepted, and resolves when the last connection is gone. */
  close(options?: { readonly atMostMs?: number }): Promise<void>;
}

/** What can be served: an authority, or anything that responds like one. */
export interface Servable {
  /** Answers one request. */
  readonly respond: HttpHandler;
  /** @default a refusal in the words of the catalogue */
  readonly refuse?: RefusalHandler;
}

/**
 * Puts an authority on the network.
 *
 * @throws {TypeError} when plain HTTP would leave this machine and `insecureHttp` does not say that it may.
 * @throws {TypeError} when a TLS file cannot be read, or the key is not the certificate's.
 * @throws {Error} when the address cannot be bound.
 * @example
 * ```ts
 * import { serveAuthority } from "@countersign/authority/node";
 * const authority = { respond: async () => ({ status: 200, headers: {}, body: "ok" }) };
 * const served = await serveAuthority(authority, { port: 0 });
 * await (await fetch(`${served.url}/status`)).text(); // "ok"
 * await served.close();
 * ```
 */
export async function serveAuthority(authority: Servable, options: ServeOptions = {}): Promise<Served> {
  const { host = "localhost", port = 8080, tls } = options;
  refusePlainHttp(options);
  let draining = false;
  const parts = partsOf(authority, options, () => draining);
  const servers = await listenAt(host, port, () => createServer(tls, parts));
  const [first] = servers;
  const bound = first === undefined ? port : portOf(first);
  return {
    url: `${parts.scheme}://${urlHost(host)}:${bound}`,
    port: bound,
    close: ({ atMostMs = 25_000 } = {}) => {
      draining = true;
      return closeAll(servers, atMostMs);
    },
  };
}

/**
 * Checks what can be known of options before anything is bound.
 *
 * @throws {TypeError} as {@link serveAuthority} does.
 * @example
 * ```ts
 * import { checkServing } from "@countersign/authority/node";
 * checkServing({ host: "localhost" });
 * ```
 */
export function checkServing(options: Pick<ServeOptions, "host" | "tls" | "insecureHttp">): void {
  refusePlainHttp(options);
  const nobody = { respond: () => Promise.reject(new Error("Nothing is served")) };
  createServer(
    options.tls,
    partsOf(nobody, options, () => true),
  );
}

function refusePlainHttp({ host = "localhost", tls, insecureHttp = false }: ServeOptions): void {
  if (tls !== undefined || insecureHttp || isLoopbackHost(host)) return;
  throw new TypeError(
    `Cannot serve plain HTTP beyond loopback, where passwords and tokens can be read on the way: ${host}`,
  );
}

function partsOf(
  { respond, refuse }: Servable,
  { tls, limits, clock, observer }: ServeOptions,
  draining: () => boolean,
) {
  return {
    respond,
    refuse,
    scheme: tls === undefined ? "http" : "https",
    limits: { ...defaultServerLimits, ...limits },
    clock: clock ?? systemClock,
    observer: observer ?? silentObserver,
    stateOf: connectionStates({ clientAuthorities: tls?.clientAuthorities !== undefined }),
    draining,
  } as const;
}

function urlHost(host: string): string {
  if (loopbackNames.has(host)) return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
