/**
 * This checkout beside another one: npm run bench:turns -- OTHER [seconds per round] [rounds]
 *
 * OTHER is the folder of a checkout whose command is built (npm run build). Both serve in turns (A B A B …) after a warm-up,
 * so that a drift of the machine's speed meets both. Prints the rates and, round by round, the ratio of this one to the other.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Countersign, startCountersign } from "./countersign.ts";
import { connections, loadGrants, loadRefreshes, progress, ratios, summary } from "./load.ts";

const [other, seconds = 5, rounds = 5] = [process.argv[2], ...process.argv.slice(3).map(Number)];
if (other === undefined) throw new Error("Name the other checkout: npm run bench:turns -- OTHER [seconds] [rounds]");

const directory = mkdtempSync(join(tmpdir(), "countersign-turns-"));
const servers: Countersign[] = [];

try {
  for (const [name, checkout] of Object.entries({ here: ".", other: resolve(other) })) {
    servers.push({ ...(await startCountersign(join(directory, name), connections, checkout)), name });
  }
  console.table({ ...(await inTurns("grants", grants)), ...(await inTurns("refreshes", refreshes)) });
} finally {
  for (const { child } of servers) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}

function grants(): (server: Countersign, duration: number) => Promise<number> {
  return loadGrants;
}

function refreshes(): (server: Countersign, duration: number) => Promise<number> {
  const tokens = new Map(servers.map(({ name, refreshTokens }) => [name, [...refreshTokens]]));
  return (server, duration) => loadRefreshes(server, tokens.get(server.name) ?? [], duration);
}

async function inTurns(what: string, prepare: typeof grants) {
  const measure = prepare();
  for (const server of servers) await measure(server, 3);
  const rates: Record<string, number[]> = { here: [], other: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const server of servers) {
      const rate = await measure(server, seconds);
      rates[server.name]?.push(rate);
      progress(`${what}, round ${round} of ${rounds}: ${server.name} ${rate}/s`);
    }
  }
  return {
    [`${what}/s, here`]: summary(rates.here ?? []),
    [`${what}/s, other`]: summary(rates.other ?? []),
    [`${what}, here to other`]: ratios(rates.here, rates.other),
  };
}
