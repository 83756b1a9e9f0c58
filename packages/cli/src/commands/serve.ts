import {
  type Authority,
  createLog,
  type FirstStart,
  type HttpHandler,
  type Log,
  prepareFirstStart,
} from "@countersign/authority";
import { type Served, serveAuthority } from "@countersign/authority/node";
import { defined } from "@countersign/protocol";
import type { Command, Run } from "../command.ts";
import { dataPaths, isShared } from "../data-directory.ts";
import { CliFailure } from "../failure.ts";
import { markFirstStart } from "../first-start-marker.ts";
import { greet } from "../greet.ts";
import { openAuthority } from "../open-authority.ts";
import { readServing, type Serving } from "../serving.ts";
import { flagSettings, settingOptions } from "../settings-flags.ts";
import type { Settings } from "../settings-schema.ts";
import type { World } from "../world.ts";

/** SIGTERM to exit, at most: what orchestrators grant before they kill is 30 s or less. */
const SHUTDOWN_MS = 25_000;

/** How much of that is left for the store when the last connection is cut. */
const STORE_MS = 5000;

/** So much of the log may wait for its reader. */
const UNREAD_LOG_BYTES = 1_048_576;

const PARENT_CHECK_MS = 500;

export const serve: Command = {
  name: "serve",
  summary: "Run the authority",
  options: {
    ...settingOptions,
    "admin-password-file": {
      kind: "text",
      value: "FILE",
      summary: "Where a first start writes the administrator's password, in place of stdout",
    },
  },
  examples: [
    "countersign serve",
    "countersign serve --listen 0.0.0.0:443 --issuer https://id.example.com \\\n    --tls-cert cert.pem --tls-key key.pem",
    "countersign serve --compat jwt-issuer --key-file key.json",
  ],
  async run(run) {
    const { world, print } = run;
    const serving = readServing(flagSettings(run.given), world);
    const { settings } = serving;
    const warn = (warning: string) => print.note(`countersign: warning: ${warning}`);
    serving.warnings.forEach(warn);
    const stopped = stopRequest(world);
    using _deadline = exitInTime(stopped, run);
    const log = openLog(settings, run);
    const lost = Promise.withResolvers<string>();
    const running = await start(serving, world, { log, onLost: lost.resolve });
    try {
      (await danglingSettings(settings, running.authority)).forEach(warn);
      const passwordFile = run.given.text("admin-password-file");
      await greet({ ...running, ...defined({ passwordFile }) }, print);
      if (!isShared(settings)) await markFirstStart(running.authority.services.store, dataPaths(settings));
      const why = await Promise.race([stopped, lost.promise]);
      if (why !== undefined) throw lostFiles(why);
    } finally {
      await stop(running, settings, world);
      log.flush();
    }
  },
};

function lostFiles(why: string): CliFailure {
  return new CliFailure(`the server has stopped: ${why}`, {
    hints: [
      "leave the files of the data directory alone while a server runs; stop it first",
      "see that no other server runs on this data directory, then start this one again",
    ],
  });
}

/** Who hears of what happens while the server runs. */
interface Listeners {
  readonly log: Log;
  readonly onLost: (why: string) => void;
}

interface Running {
  readonly served: Served;
  readonly authority: Authority;
  readonly first: FirstStart;
}

/**
 * Binds first: a taken port must not make a data directory. Requests that come before the authority is open and its
 * administrator made wait, so none is answered by half an authority.
 */
async function start(serving: Serving, world: World, { log, onLost }: Listeners): Promise<Running> {
  const { promise: opened, resolve } = Promise.withResolvers<HttpHandler>();
  let handle: HttpHandler = async (request, connection) => (await opened)(request, connection);
  const { settings } = serving;
  const served = await listen({ respond: (request, connection) => handle(request, connection) }, serving, log);
  try {
    const issuer = settings.issuer ?? served.url;
    const authority = await openAuthority({ settings, issuer, observer: log, onLost }, world);
    const first = await prepareFirstStart(authority.services).catch(async (error: unknown) => {
      await authority.close();
      throw error;
    });
    handle = authority.respond;
    resolve(handle);
    return { served, authority, first };
  } catch (error) {
    await served.close({ atMostMs: 0 });
    throw error;
  }
}

async function listen(
  authority: { readonly respond: HttpHandler },
  { settings, address, tls }: Serving,
  observer: Log,
): Promise<Served> {
  try {
    return await serveAuthority(authority, {
      ...address,
      observer,
      insecureHttp: settings.insecure_http,
      limits: { bodyBytes: settings.limits.body_bytes },
      ...defined({ tls }),
    });
  } catch (error) {
    throw explainListening(error, settings.listen);
  }
}

function explainListening(error: unknown, at: string): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const [what, hint] = listenFailures[code] ?? [];
  return what === undefined || hint === undefined ? error : new CliFailure(`${what}: ${at}`, { hints: [hint] });
}

/** What the system says of an address, and how to mend it. */
const listenFailures: Readonly<Record<string, readonly [string, string]>> = {
  EADDRINUSE: ["the address is taken", "stop what listens there, or give --listen HOST:PORT"],
  EACCES: ["this user may not listen at", "ports below 1024 need a privilege; take a higher one"],
  EADDRNOTAVAIL: ["this machine has no such address", "give one of its own, or 0.0.0.0 for all of them"],
  ENOTFOUND: ["there is no host of this name", "give an address of this machine, such as localhost:8080"],
};

/** What only the store can tell of the settings. It may be put right while the authority runs, so it is no error. */
async function danglingSettings(settings: Settings, authority: Authority): Promise<readonly string[]> {
  return [...(await issuerClientFault(settings, authority)), ...(await lockout(settings, authority))];
}

async function issuerClientFault({ compat }: Settings, { services }: Authority): Promise<readonly string[]> {
  const name = compat.jwt_issuer_client;
  if (name === undefined || !compat.faces.includes("jwt-issuer")) return [];
  const client = await services.clients.byId(name);
  const [what, mend] = faultOf(client) ?? [];
  if (what === undefined) return [];
  return [`compat.jwt_issuer_client names ${what}: ${name}; until ${mend} /auth/token refuses everybody`];
}

/** Without loopback the administrator needs another client to log in with. */
async function lockout({ server }: Settings, { services }: Authority): Promise<readonly string[]> {
  if (server.loopback_privileges) return [];
  const clients = await services.clients.list({ limit: 1000 });
  if (clients.some(({ loopback, disabled }) => !loopback && !disabled)) return [];
  return [
    "server.loopback_privileges is false, and every client is a loopback client: nobody can log in (docs/operations.md)",
  ];
}

/** Why nobody can show the credential of a client by HTTP Basic, and what would change that. */
function faultOf(
  client: { readonly disabled: boolean; readonly secrets: readonly unknown[] } | undefined,
): readonly [string, string] | undefined {
  if (client === undefined) return ["no client", "there is one with a secret (countersign client create)"];
  if (client.disabled) return ["a disabled client", "it is enabled (countersign client enable)"];
  if (client.secrets.length > 0) return undefined;
  return ["a client without a secret", "it has one (countersign client create --credential)"];
}

function openLog(settings: Settings, { world, print }: Run): Log {
  const { stderr, env, clock } = world;
  const terminal = stderr.isTTY === true && !print.json;
  return createLog({
    write: (lines) => {
      stderr.write(lines);
    },
    isStalled: () => (stderr.writableLength ?? 0) > UNREAD_LOG_BYTES,
    level: settings.log_level,
    format: terminal ? "text" : "json",
    colour: terminal && (env.NO_COLOR ?? "") === "",
    clock,
  });
}

/** Resolves at the first signal; the second ends the process at once. */
function stopRequest({ env, onSignal, parent, exit }: World): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  const listener = () => {
    if (asked) exit(1);
    asked = true;
    resolve();
  };
  onSignal("SIGTERM", listener);
  onSignal("SIGINT", listener);
  // npm gives a signal to its shell, which ends without passing it on.
  if (env.npm_lifecycle_event !== undefined) whenParentEnds(parent, resolve);
  return promise;
}

/**
 * Ends the process when stopping takes too long: a disk that syncs slowly holds up a start as well as the closing of the
 * store. It is as safe as a kill: what was answered is durable.
 */
function exitInTime(stopped: Promise<void>, { print, world }: Run): Disposable {
  const inTime = new AbortController();
  const end = () => {
    print.note("countersign: warning: ends before the store is closed, which takes too long; nothing answered is lost");
    world.exit(1);
  };
  void stopped.then(() => world.clock.sleep(SHUTDOWN_MS, inTime.signal)).then(end, () => {});
  return { [Symbol.dispose]: () => inTime.abort() };
}

function whenParentEnds(parent: () => number, act: () => void): void {
  const first = parent();
  const timer = setInterval(() => {
    if (parent() === first) return;
    clearInterval(timer);
    act();
  }, PARENT_CHECK_MS);
  timer.unref();
}

/** Not ready first, then no new connection, then the responses that are owed, then the store. */
async function stop({ served, authority }: Running, settings: Settings, { clock }: World): Promise<void> {
  const drainMs = settings.drain_seconds * 1000;
  authority.drain();
  if (drainMs > 0) await clock.sleep(drainMs);
  await served.close({ atMostMs: SHUTDOWN_MS - STORE_MS - drainMs });
  await authority.close();
}
