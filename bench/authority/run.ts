/**
 * The authority beside oidc-provider: npm run bench [-- seconds per round] [-- rounds]
 *
 * Grants are measured in turns (A B A B …) after a warm-up, so that a drift of the machine's speed meets both. Prints a
 * table and writes bench/results/authority.json.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fsyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { type Countersign, residentMb, startCommand, startCountersign } from "./countersign.ts";
import {
  body,
  connections,
  type Fields,
  headers,
  loadGrants,
  loadRefreshes,
  progress,
  ratios,
  summary,
} from "./load.ts";

const [seconds = 5, rounds = 5] = process.argv.slice(2).map(Number);
const grantsForMemory = 100_000;
const startsMeasured = 5;

interface Target {
  readonly name: string;
  readonly child: ChildProcess;
  readonly url: string;
  readonly grant: Fields;
}

const directory = mkdtempSync(join(tmpdir(), "countersign-bench-"));
const children: ChildProcess[] = [];

try {
  const report = await measure();
  print(report);
  mkdirSync("bench/results", { recursive: true });
  writeFileSync("bench/results/authority.json", `${JSON.stringify(report, undefined, 2)}\n`);
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}

async function measure() {
  const ours = await ownServer("main", connections);
  const peer = await startPeer();
  const targets = [ours, peer, ...(await startBun())];
  progress("warm-up");
  for (const target of targets) await loadGrants(target, 3);
  const grants: Record<string, number[]> = Object.fromEntries(targets.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const target of targets) {
      const rate = await loadGrants(target, seconds);
      grants[target.name]?.push(rate);
      progress(`grants, round ${round} of ${rounds}: ${target.name} ${rate}/s`);
    }
  }
  for (const { child } of targets) if (child !== ours.child) child.kill();
  const refresh = await measureRefresh(ours);
  ours.child.kill();
  const memory = await measureMemory();
  return {
    machine: { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version },
    load: { connections, seconds, rounds },
    grantsPerSecond: Object.fromEntries(Object.entries(grants).map(([name, rates]) => [name, summary(rates)])),
    ratioToPeer: Object.fromEntries(
      targets
        .filter(({ name }) => name !== peer.name)
        .map(({ name }) => [name, ratios(grants[name], grants[peer.name])]),
    ),
    refreshesPerSecond: summary(refresh),
    fsyncsPerSecond: measureFsync(),
    startToFirstAnswerMs: summary(await measureStart()),
    memory,
  };
}

async function ownServer(name: string, devices: number): Promise<Countersign> {
  const server = await startCountersign(join(directory, name), devices);
  children.push(server.child);
  return server;
}

async function startPeer(): Promise<Target> {
  const child = fork("bench/authority/peer-oidc-provider.ts", {
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
    stdio: ["ignore", "pipe", "ignore", "ipc"],
  });
  children.push(child);
  const [line] = await once(child.stdout ?? child, "data");
  const secret = "bench-secret-bench-secret-bench-secret-bench";
  const grant = { grant_type: "client_credentials", client_id: "bench", client_secret: secret, scope: "read" };
  return { name: "oidc-provider", child, url: String(line).trim(), grant };
}

/** The same authority under Bun, where the variable BUN names one. */
async function startBun(): Promise<readonly Target[]> {
  const { BUN } = process.env;
  if (BUN === undefined) return [];
  const data = join(directory, "bun");
  mkdirSync(data);
  const child = spawn(BUN, ["bench/authority/bun-server.ts", data], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const [line] = await once(child.stdout, "data");
  return [{ name: "countersign under Bun", child, ...JSON.parse(String(line)) }];
}

/** A round after another, each going on from the tokens that the round before ended with. */
async function measureRefresh(server: Countersign): Promise<number[]> {
  const tokens = [...server.refreshTokens];
  const rates: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    rates.push(await loadRefreshes(server, tokens, seconds));
    progress(`refreshes, round ${round} of ${rounds}: ${rates.at(-1)}/s`);
  }
  return rates;
}

/** Resident memory of a server of its own while 100,000 grants pass, sampled ten times. */
async function measureMemory() {
  const { child, url, grant } = await ownServer("memory", 0);
  const rssMb = [residentMb(child)];
  for (let tenth = 1; tenth <= 10; tenth++) {
    const amount = grantsForMemory / 10;
    await autocannon({ url, connections, amount, method: "POST", headers, body: body(grant) });
    rssMb.push(residentMb(child));
    progress(`memory after ${tenth * amount} grants: ${rssMb.at(-1)} MB`);
  }
  child.kill();
  return { rssMb, lastMb: rssMb.at(-1) };
}

/** From the start of the process to the first answer, on a new data directory each time. */
async function measureStart(): Promise<number[]> {
  const times: number[] = [];
  for (let run = 1; run <= startsMeasured; run++) {
    const startedAt = performance.now();
    const { child, origin } = await startCommand(join(directory, `start-${run}`));
    children.push(child);
    await fetch(`${origin}/.well-known/jwks.json`);
    times.push(Math.round(performance.now() - startedAt));
    progress(`start, run ${run} of ${startsMeasured}: ${times.at(-1)} ms`);
    child.kill();
    await once(child, "exit");
  }
  return times;
}

/** What the disk gives: small appends, each with its fsync, one after the other. */
function measureFsync(): number {
  const file = openSync(join(directory, "fsync"), "w");
  const page = Buffer.alloc(4096, 1);
  const startedAt = performance.now();
  let count = 0;
  while (performance.now() - startedAt < 2000) {
    writeSync(file, page);
    fsyncSync(file);
    count++;
  }
  closeSync(file);
  return Math.round((count / (performance.now() - startedAt)) * 1000);
}

function print(report: Awaited<ReturnType<typeof measure>>): void {
  const { grantsPerSecond, ratioToPeer, refreshesPerSecond, startToFirstAnswerMs, memory } = report;
  const rows = {
    ...Object.fromEntries(
      Object.entries(grantsPerSecond).map(([name, rates]) => [`client_credentials/s, ${name}`, rates]),
    ),
    ...Object.fromEntries(
      Object.entries(ratioToPeer).map(([name, ratio]) => [`ratio to oidc-provider, ${name}`, ratio]),
    ),
    "refreshes/s at 64 clients": refreshesPerSecond,
    "start to first answer, ms": startToFirstAnswerMs,
  };
  console.table(rows);
  console.log(`fsync limit of this disk: ${report.fsyncsPerSecond}/s one by one`);
  console.log(`resident memory over ${grantsForMemory} grants, MB: ${memory.rssMb.join(" ")}`);
}
