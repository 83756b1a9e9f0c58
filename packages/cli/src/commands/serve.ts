import {
  type AnswerFace,
  type Authority,
  createLog,
  type FirstStart,
  type Log,
  prepareFirstStart,
} from "@countersign/authority";
import { type Served, serveAuthority, type TlsOptions } from "@countersign/authority/node";
import { parseAddress } from "../address.ts";
import type { Command, Run } from "../command.ts";
import { CliFailure } from "../failure.ts";
import { greet } from "../greet.ts";
import { openAuthority, readBytes } from "../open-authority.ts";
import { loadSettings } from "../settings.ts";
import { flagSettings, settingOptions } from "../settings-flags.ts";
import type { Settings } from "../settings-schema.ts";
import type { World } from "../world.ts";

/** SIGTERM to exit, at most: what orchestrators grant before they kill is 30 s or less. */
const shutdownMs = 25_000;

const parentCheckMs = 500;

export const serve: Command = {
  name: "serve",
  summary: "Run the authority",
  options: settingOptions,
  examples: [
    "countersign serve",
    "countersign serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem",
    "countersign serve --compat jwt-issuer --key-file key.json",
  ],
  async run(run) {
    const { world, print } = run;
    const { settings, warnings } = loadSettings({
      ...flagSettings(run.given),
      env: world.env,
    });
    for (const warning of warnings) print.note(`countersign: warning: ${warning}`);
    const stopped = stopRequest(world);
    const log = openLog(settings, run);
    const running = await start(settings, world, log);
    try {
      await greet(running, print);
      await stopped;
    } finally {
      await stop(running, settings, world);
      log.flush();
    }
  },
};

interface Running {
  readonly served: Served;
  readonly authority: Authority;
  readonly first: FirstStart;
}

/**
 * Binds first: a taken port must not make a data directory. Requests that come before the authority is open and its
 * administrator made wait, so none is answered by half an authority.
 */
async function start(settings: Settings, world: World, log: Log): Promise<Running> {
  const { promise: opened, resolve } = Promise.withResolvers<AnswerFace>();
  let face: AnswerFace = async (request, connection) => (await opened)(request, connection);
  const tls = tlsOptions(settings);
  const served = await listen({ answer: (request, connection) => face(request, connection) }, settings, tls, log);
  try {
    const authority = await openAuthority({ settings, issuer: settings.issuer ?? served.url, observer: log }, world);
    const first = await prepareFirstStart(authority.services).catch(async (error: unknown) => {
      await authority.close();
      throw error;
    });
    face = authority.answer;
    resolve(face);
    return { served, authority, first };
  } catch (error) {
    await served.close({ atMostMs: 0 });
    throw error;
  }
}

async function listen(
  authority: { readonly answer: AnswerFace },
  settings: Settings,
  tls: TlsOptions | undefined,
  observer: Log,
): Promise<Served> {
  const { host, port } = parseAddress(settings.listen);
  try {
    return await serveAuthority(authority, {
      host,
      port,
      observer,
      insecureHttp: settings.insecure_http,
      limits: { bodyBytes: settings.limits.body_bytes },
      ...(tls === undefined ? {} : { tls }),
    });
  } catch (error) {
    throw explainListening(error, settings.listen);
  }
}

function explainListening(error: unknown, at: string): unknown {
  if (error instanceof TypeError && error.message.startsWith("Cannot serve plain HTTP")) {
    return new CliFailure(error.message, {
      hints: ["give --tls-cert and --tls-key, or --insecure-http if a proxy in front ends TLS on this network"],
    });
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    return new CliFailure(`the address is taken: ${at}`, {
      hints: ["stop what listens there, or give --listen HOST:PORT"],
    });
  }
  if (code === "EACCES") {
    return new CliFailure(`this user may not listen at: ${at}`, {
      hints: ["ports below 1024 need a privilege; take a higher one"],
    });
  }
  return error;
}

function tlsOptions({ tls }: Settings): TlsOptions | undefined {
  if (tls.cert === undefined && tls.key === undefined) {
    if (tls.client_ca === undefined) return undefined;
    throw new CliFailure("client certificates need TLS", { hints: ["give --tls-cert and --tls-key too"] });
  }
  if (tls.cert === undefined || tls.key === undefined) {
    throw new CliFailure("a certificate and its key belong together", {
      hints: ["give both --tls-cert and --tls-key"],
    });
  }
  return {
    cert: readBytes(tls.cert),
    key: readBytes(tls.key),
    ...(tls.client_ca === undefined ? {} : { clientAuthorities: readBytes(tls.client_ca) }),
    ...(tls.client_crl === undefined ? {} : { clientRevocations: readBytes(tls.client_crl) }),
  };
}

function openLog(settings: Settings, { world, print }: Run): Log {
  const { stderr, env, clock } = world;
  const terminal = stderr.isTTY === true && !print.json;
  return createLog({
    write: (lines) => {
      stderr.write(lines);
    },
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

function whenParentEnds(parent: () => number, act: () => void): void {
  const first = parent();
  const timer = setInterval(() => {
    if (parent() === first) return;
    clearInterval(timer);
    act();
  }, parentCheckMs);
  timer.unref();
}

/** Not ready first, then no new connection, then the answers that are owed, then the store. */
async function stop({ served, authority }: Running, settings: Settings, { clock }: World): Promise<void> {
  const drainMs = settings.drain_seconds * 1000;
  authority.drain();
  if (drainMs > 0) await clock.sleep(drainMs);
  await served.close({ atMostMs: shutdownMs - drainMs });
  await authority.close();
}
