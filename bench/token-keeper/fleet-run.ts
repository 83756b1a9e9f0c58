import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "@countersign/token-keeper";
import { build } from "esbuild";
import { startFleetAuthority, type TokenRequest } from "./fleet-authority.ts";
import { type FleetCounts, noCounts } from "./fleet-counts.ts";
import type { FleetOrder } from "./fleet-process.ts";

/** What is run. */
export interface FleetPlan {
  readonly mode: FleetOrder["mode"];
  readonly cache: "file" | "redis";
  readonly processes: number;
  readonly callersPerProcess: number;
  readonly audiences: number;
  readonly lifetimeS: number;
  readonly callEveryMs: number;
  /** Before anything is counted. */
  readonly warmUpLifetimes: number;
  /** Lifetimes of steady running before the outage. */
  readonly steadyLifetimes: number;
  readonly recoveryLifetimes: number;
}

/** What came of it. Instants are milliseconds after the first measured one. */
export interface FleetResult {
  readonly plan: FleetPlan;
  readonly outageMs: number;
  readonly downAt: number;
  readonly upAt: number;
  readonly endAt: number;
  readonly requests: readonly TokenRequest[];
  readonly steady: FleetCounts;
  readonly outage: FleetCounts;
  readonly recovery: FleetCounts;
}

/** Runs a fleet through steady life, an outage as long as a token lives on when stale, and recovery. */
export async function runFleet(plan: FleetPlan): Promise<FleetResult> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-"));
  const audiences = Array.from({ length: plan.audiences }, (_, index) => `https://api-${index}.example`);
  await using authority = await startFleetAuthority(plan.lifetimeS, audiences);
  const redis = plan.cache === "redis" ? await startRedis(folder) : undefined;
  const bundle = await bundleProcess(folder);
  const order: FleetOrder = {
    mode: plan.mode,
    tokenEndpoint: authority.tokenEndpoint,
    clientId: authority.clientId,
    secret: authority.secret,
    audiences,
    callers: plan.callersPerProcess,
    cache: redis === undefined ? { folder: join(folder, "tokens") } : { redis: redis.path },
    callEveryMs: plan.callEveryMs,
  };
  const fleet: ChildProcess[] = [];
  try {
    // A few at a time: what is measured is a running fleet, not how fast this machine starts programs.
    for (let started = 0; started < plan.processes; started += 5) {
      const batch = Array.from({ length: Math.min(5, plan.processes - started) }, () => startProcess(bundle, order));
      fleet.push(...batch);
      await Promise.all(batch.map(ready));
    }
    const lifetimeMs = plan.lifetimeS * 1000;
    await sleep(plan.warmUpLifetimes * lifetimeMs);
    const startedAt = systemClock.now();
    await tell(fleet, "reset");
    await sleep(plan.steadyLifetimes * lifetimeMs);
    // adaptiveLifetime(): the last third of a short lifetime.
    const outageMs = Math.floor(lifetimeMs / 3);
    // The worst moment: with the request for a new token.
    await authority.goDownOnRequest();
    const downAt = systemClock.now() - startedAt;
    const [steady] = await Promise.all([collect(fleet), sleep(outageMs)]);
    authority.comeBack();
    const upAt = systemClock.now() - startedAt;
    const outage = await collect(fleet);
    await sleep(plan.recoveryLifetimes * lifetimeMs);
    const recovery = await collect(fleet);
    const requests = authority.requests.map(({ at, answered }) => ({ at: at - startedAt, answered }));
    return { plan, outageMs, downAt, upAt, endAt: systemClock.now() - startedAt, requests, steady, outage, recovery };
  } finally {
    for (const child of fleet) child.disconnect();
    await Promise.all(fleet.map((child) => (child.exitCode === null ? once(child, "exit") : undefined)));
    redis?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One file, so that fifty processes do not each strip the types of sixty. */
async function bundleProcess(folder: string): Promise<string> {
  const outfile = join(folder, "process.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("./fleet-process.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    conditions: ["@countersign/source"],
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
  });
  return outfile;
}

function startProcess(bundle: string, order: FleetOrder): ChildProcess {
  const env = { ...process.env, FLEET_ORDER: JSON.stringify(order) };
  const args = ["--max-old-space-size=64", "--max-semi-space-size=2", bundle];
  return spawn(process.execPath, args, { env, stdio: ["ignore", "inherit", "inherit", "ipc"] });
}

async function ready(child: ChildProcess): Promise<void> {
  await once(child, "message");
}

async function tell(fleet: readonly ChildProcess[], message: string): Promise<void> {
  for (const child of fleet) child.send(message);
}

/** The sums since the last time, which are then forgotten. */
async function collect(fleet: readonly ChildProcess[]): Promise<FleetCounts> {
  const sum: FleetCounts = { ...noCounts };
  for (const child of fleet) {
    const answer = once(child, "message");
    child.send("counts");
    // The child sends nothing but its counts.
    const [counts] = (await answer) as [FleetCounts];
    sum.calls += counts.calls;
    sum.failed += counts.failed;
    sum.wrong += counts.wrong;
    sum.forgotten += counts.forgotten;
    sum.cacheFailures += counts.cacheFailures;
    sum.leasesTakenOver += counts.leasesTakenOver;
    sum.slowestMs = Math.max(sum.slowestMs, counts.slowestMs);
  }
  await tell(fleet, "reset");
  return sum;
}

async function startRedis(folder: string): Promise<{ path: string; stop: () => void }> {
  const path = join(folder, "redis.sock");
  const server = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder]);
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.stdout.on("data", (chunk) => /ready to accept connections/i.test(`${chunk}`) && resolve());
  });
  return { path, stop: () => void server.kill() };
}
