/**
 * One process of a fleet: some callers, each of which wants a token twice a second. Told by its parent what to be, it tells
 * its parent what happened.
 */
import {
  cachedSource,
  clientCredentialsSource,
  secretBasic,
  systemClock,
  type Token,
  type TokenSource,
  TokenWatcher,
} from "@countersign/token-keeper";
import { fileCache } from "@countersign/token-keeper/node";
import { redisCache } from "@countersign/token-keeper/redis";
import { Redis } from "ioredis";
import { type FleetCounts, noCounts } from "./fleet-counts.ts";

/** What a process is told. */
export interface FleetOrder {
  readonly mode: "keeper" | "memoizer" | "naive";
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly secret: string;
  readonly audiences: readonly string[];
  readonly callers: number;
  /** A folder, or the socket of a Redis. */
  readonly cache: { readonly folder: string } | { readonly redis: string };
  readonly callEveryMs: number;
}

type Caller = () => Promise<Token>;

const order: FleetOrder = JSON.parse(process.env.FLEET_ORDER ?? "{}");
const counts: FleetCounts = { ...noCounts };

function sourceOf(audience: string): TokenSource {
  const { tokenEndpoint, clientId, secret } = order;
  return clientCredentialsSource({ tokenEndpoint, client: secretBasic(clientId, secret), resource: [audience] });
}

function openCache() {
  if ("folder" in order.cache) return fileCache({ folder: order.cache.folder });
  const client = new Redis(order.cache.redis);
  process.on("disconnect", () => client.disconnect());
  return redisCache({ client });
}

/** Asks when the token it has is expired, and tells its caller whatever comes of it. */
function onDemand(audience: string): Caller {
  // One attempt for each call, as a hand-written client makes it: no retry, no second holder.
  const source = sourceOf(audience);
  const context = oneAttempt();
  let token: Token | undefined;
  return async () => {
    if (token === undefined || token.statusAt(systemClock.now()) === "expired") token = await source.request(context);
    return token;
  };
}

/** The same, with one promise for all callers of the process. */
function memoized(audience: string): Caller {
  const ask = onDemand(audience);
  let asking: Promise<Token> | undefined;
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
}

function oneAttempt(): Parameters<TokenSource["request"]>[0] {
  const skew = { observe: () => undefined, get: () => undefined, serverNow: () => systemClock.now() };
  const random = { fraction: () => 0.5, bytes: (length: number) => new Uint8Array(length) };
  const { signal } = new AbortController();
  // The context's skew estimate is a class; its three methods are all that a source calls.
  const context = {
    signal,
    clock: systemClock,
    random,
    skew,
    emit: () => undefined,
    current: undefined,
    rejected: undefined,
  };
  return context as unknown as Parameters<TokenSource["request"]>[0];
}

function makeCallers(): Caller[] {
  const audienceOf = (index: number) => order.audiences[index % order.audiences.length] ?? "";
  const indexes = Array.from({ length: order.callers }, (_, index) => index);
  if (order.mode === "naive") return indexes.map((index) => onDemand(audienceOf(index)));
  if (order.mode === "memoizer") {
    const shared = new Map(order.audiences.map((audience) => [audience, memoized(audience)]));
    return indexes.map((index) => shared.get(audienceOf(index)) ?? memoized(audienceOf(index)));
  }
  const caches = [openCache()];
  return indexes.map((index) => {
    const watcher = new TokenWatcher(cachedSource(sourceOf(audienceOf(index)), { caches, cacheTimeoutMs: 5_000 }));
    watcher.on("cache_failed", () => void counts.cacheFailures++);
    watcher.on("lease_taken_over", () => void counts.leasesTakenOver++);
    let last: Token | undefined;
    return async () => {
      if (last !== undefined && holdsNothing(watcher) && systemClock.now() + 100 < last.expiresAt) counts.forgotten++;
      last = await watcher.getToken();
      return last;
    };
  });
}

function holdsNothing(watcher: TokenWatcher): boolean {
  try {
    watcher.token();
    return false;
  } catch {
    return true;
  }
}

async function call(caller: Caller, audience: string): Promise<void> {
  const startedAt = performance.now();
  counts.calls++;
  try {
    const token = await caller();
    const payload = JSON.parse(Buffer.from(token.accessToken.reveal().split(".")[1] ?? "", "base64url").toString());
    // The token is judged when the caller gets it, by what it says itself.
    const alive = systemClock.now() < payload.exp * 1000 + 1_000;
    if (!alive || payload.aud !== audience) counts.wrong++;
  } catch {
    counts.failed++;
  }
  counts.slowestMs = Math.max(counts.slowestMs, performance.now() - startedAt);
}

const callers = makeCallers();
const audiences = callers.map((_, index) => order.audiences[index % order.audiences.length] ?? "");
await Promise.all(callers.map((caller) => caller().catch(() => undefined)));
process.send?.("ready");
process.on("message", (message) => {
  if (message === "reset") Object.assign(counts, noCounts);
  else process.send?.(counts);
});
process.on("disconnect", () => process.exit());
for (const [index, caller] of callers.entries()) {
  let calling = false;
  const callUnlessCalling = async () => {
    if (calling) return;
    calling = true;
    await call(caller, audiences[index] ?? "");
    calling = false;
  };
  const begin = () => setInterval(() => void callUnlessCalling(), order.callEveryMs);
  // The callers of a fleet do not call in step.
  setTimeout(begin, Math.floor(Math.random() * order.callEveryMs));
}
