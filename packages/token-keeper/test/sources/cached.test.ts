import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  cachedSource,
  createToken,
  type LeasingCache,
  memoryCache,
  noJitter,
  Secret,
  systemClock,
  type Token,
  type TokenCache,
  TokenManager,
  type TokenSource,
  TokenWatcher,
  tokenKey,
} from "@countersign/token-keeper";
import { FakeClock } from "@countersign/token-keeper/testing";
import { writeRecord } from "../../src/record.ts";
import { aContext, aSource } from "../support/context.ts";
import { aSlowStore, passing } from "../support/slow-store.ts";
import { freshTokens, refusal, startTokenServer } from "../support/token-server.ts";

function aToken(accessToken: string, issuedAt: number, lifetimeMs: number) {
  return createToken({ accessToken }, { issuedAt, lifetimeMs });
}

/** Caches that hold nothing but what the test puts there. */
function layers(count: number): Map<string, string>[] & { caches: TokenCache[] } {
  const maps = Array.from({ length: count }, () => new Map<string, string>());
  const caches = maps.map((map, index) => ({
    name: `layer ${index}`,
    get: async (key: string) => map.get(key),
    set: async (key: string, value: string) => void map.set(key, value),
  }));
  return Object.assign(maps, { caches });
}

describe("cachedSource()", () => {
  it("asks the source once and publishes to every layer", async () => {
    await using server = await startTokenServer();
    const maps = layers(3);
    const source = cachedSource(aSource(server), { caches: maps.caches });
    const context = aContext();
    const first = await source.request(context);
    const second = await source.request(context);
    assert.equal(second.accessToken.reveal(), first.accessToken.reveal());
    assert.equal(server.received.length, 1);
    assert.deepEqual(
      maps.map((map) => map.size),
      [1, 1, 1],
    );
  });

  for (const hit of [0, 1, 2]) {
    it(`fills all layers before a hit in layer ${hit} of 3`, async () => {
      await using server = await startTokenServer();
      const maps = layers(3);
      const inner = aSource(server);
      const context = aContext();
      const key = tokenKey(inner.identity);
      maps[hit]?.set(
        key,
        writeRecord(key, { token: aToken("cached", context.clock.now(), 600_000), skewMs: undefined }),
      );
      const token = await cachedSource(inner, { caches: maps.caches }).request(context);
      assert.equal(token.accessToken.reveal(), "cached");
      assert.deepEqual(
        maps.map((map) => map.size),
        [0, 1, 2].map((index) => (index <= hit ? 1 : 0)),
      );
      assert.equal(server.received.length, 0);
    });
  }

  const entries = {
    "is alive, though stale": { issuedMs: -500_000, lifetimeMs: 600_000, taken: true },
    "has less left than the minimum": { issuedMs: -550_000, lifetimeMs: 600_000, taken: false },
    "has expired": { issuedMs: -700_000, lifetimeMs: 600_000, taken: false },
    "is short and young": { issuedMs: -1_000, lifetimeMs: 10_000, taken: true },
    "is short and old": { issuedMs: -6_000, lifetimeMs: 10_000, taken: false },
    "was issued by a clock a little ahead": { issuedMs: 30_000, lifetimeMs: 600_000, taken: true },
    "was issued by a clock a minute ahead": { issuedMs: 60_000, lifetimeMs: 600_000, taken: true },
    "was issued by a clock more than a minute ahead": { issuedMs: 60_001, lifetimeMs: 600_000, taken: false },
    "was issued by a clock an hour ahead": { issuedMs: 3_600_000, lifetimeMs: 600_000, taken: false },
  };
  for (const [name, { issuedMs, lifetimeMs, taken }] of Object.entries(entries)) {
    it(`${taken ? "takes" : "passes over"} an entry that ${name}`, async () => {
      await using server = await startTokenServer();
      const inner = aSource(server);
      const context = aContext();
      const key = tokenKey(inner.identity);
      const text = writeRecord(key, {
        token: aToken("cached", context.clock.now() + issuedMs, lifetimeMs),
        skewMs: undefined,
      });
      const cache = { name: "c", get: async () => text, set: async () => undefined };
      const token = await cachedSource(inner, { caches: [cache] }).request(context);
      assert.equal(token.accessToken.reveal() === "cached", taken);
      assert.ok(token.expiresAt - context.clock.now() <= Math.max(lifetimeMs, 3_600_000));
      if (taken) assert.ok(token.untilExpired(context.clock.now()) <= lifetimeMs);
    });
  }

  it("replaces a token by a better one only, and never by the one that was refused", async () => {
    await using server = await startTokenServer();
    const inner = aSource(server);
    const context = aContext();
    const key = tokenKey(inner.identity);
    const cached = aToken("cached", context.clock.now(), 600_000);
    const text = writeRecord(key, { token: cached, skewMs: undefined });
    const source = cachedSource(inner, { caches: [{ name: "c", get: async () => text, set: async () => undefined }] });
    const worse = aToken("worse", context.clock.now() - 1_000, 600_000);
    const ask = async (overrides: object) => (await source.request({ ...context, ...overrides })).accessToken.reveal();
    assert.equal(await ask({ current: worse }), "cached");
    assert.equal(await ask({ current: cached }), "token-1");
    assert.equal(await ask({ rejected: new Secret("cached") }), "token-2");
  });

  it("takes no expired entry of a layer whose tokens may have nothing left, and replaces no token by a stale one", async () => {
    await using server = await startTokenServer();
    const inner = aSource(server);
    const context = aContext();
    const key = tokenKey(inner.identity);
    const now = context.clock.now();
    const ask = async (cached: Token, current: Token | undefined) => {
      const text = writeRecord(key, { token: cached, skewMs: undefined });
      const cache = { name: "c", get: async () => text, set: async () => undefined };
      const source = cachedSource(inner, { caches: [{ cache, minimumValidityMs: 0 }] });
      return (await source.request({ ...context, current })).accessToken.reveal();
    };
    assert.equal(await ask(aToken("cached", now - 600_000, 600_000), undefined), "token-1");
    const current = aToken("current", now - 550_000, 600_000);
    assert.equal(await ask(aToken("cached", now - 500_000, 600_000), current), "token-2");
    assert.equal(await ask(aToken("cached", now - 300_000, 600_000), current), "cached");
  });

  it("shares no pause when the keeper was closed in the middle of the request", async () => {
    const written: string[] = [];
    const closing = new AbortController();
    const inner: TokenSource = {
      identity: { issuer: "i", clientId: "c", grant: "g" },
      async request() {
        closing.abort();
        throw new Error("aborted");
      },
    };
    const set = async (key: string) => void written.push(key);
    const source = cachedSource(inner, { caches: [{ ...memoryCache(), set }] });
    await assert.rejects(source.request(aContext({ signal: closing.signal })), { message: "aborted" });
    assert.deepEqual(written, []);
  });

  it("tells of a cache that fails again after it worked", async () => {
    await using server = await startTokenServer();
    let broken = true;
    const get = async () => (broken ? Promise.reject(new Error("away")) : undefined);
    const source = cachedSource(aSource(server), { caches: [{ name: "c", get, set: async () => undefined }] });
    const context = aContext();
    for (const state of [true, true, false, true]) {
      broken = state;
      await source.request(context);
    }
    assert.equal(context.events.filter(({ type }) => type === "cache_failed").length, 2);
  });

  it("waits for a lease that nobody gives back no longer than two of its lives", async () => {
    await using server = await startTokenServer();
    const never: LeasingCache = { ...memoryCache(), lease: async () => undefined };
    const context = aContext();
    const startedAt = context.clock.now();
    const source = cachedSource(aSource(server), { caches: [never], leaseMs: 30_000 });
    await passing(context.clock, source.request(context));
    const waitedMs = context.clock.now() - startedAt;
    assert.ok(waitedMs > 60_000 && waitedMs < 62_000, `${waitedMs} ms`);
  });

  it("shifts an entry by what writer and reader know of the server's clock", async () => {
    await using server = await startTokenServer();
    const inner = aSource(server);
    const context = aContext();
    const now = context.clock.now();
    const key = tokenKey(inner.identity);
    // The writer's clock is an hour behind the server's, ours is right.
    context.skew.observe(inner.identity.issuer, now, now, now);
    const text = writeRecord(key, { token: aToken("cached", now - 3_600_000, 600_000), skewMs: 3_600_000 });
    const source = cachedSource(inner, { caches: [{ name: "c", get: async () => text, set: async () => undefined }] });
    const token = await source.request(context);
    assert.equal(token.accessToken.reveal(), "cached");
    assert.equal(token.expiresAt, now + 600_000);
  });

  it("lets 50 callers, each with its own source, make one request", async () => {
    await using server = await startTokenServer();
    const cache = memoryCache();
    const sources = Array.from({ length: 50 }, () => cachedSource(aSource(server), { caches: [cache] }));
    const tokens = await Promise.all(sources.map((source) => source.request(aContext({ clock: systemClock }))));
    assert.equal(server.received.length, 1);
    assert.equal(new Set(tokens.map((token) => token.accessToken.reveal())).size, 1);
  });

  it("shares the backoff: after an error nobody asks the server until the pause is over", async () => {
    await using server = await startTokenServer(() => refusal("temporarily_unavailable", 503, { "retry-after": "7" }));
    const context = aContext();
    const cache = memoryCache({ clock: context.clock });
    const one = cachedSource(aSource(server), { caches: [cache] });
    const other = cachedSource(aSource(server), { caches: [cache] });
    await assert.rejects(one.request(context), { code: "server_error" });
    await assert.rejects(other.request(context), { code: "cooling_down", retryAfterMs: 7_000 });
    assert.equal(server.received.length, 1);
    server.handler = freshTokens();
    await context.clock.advance(7_000);
    await other.request(context);
    assert.equal(server.received.length, 2);
  });

  it("is not stopped by a pause that a clock set back made long", async () => {
    await using server = await startTokenServer(() => refusal("server_error", 500));
    const context = aContext();
    const source = cachedSource(aSource(server), { caches: [memoryCache()] });
    await assert.rejects(source.request(context), { code: "server_error" });
    context.clock.jump(-1_800_000);
    server.handler = freshTokens();
    await source.request(context);
    assert.equal(server.received.length, 2);
  });

  it("is not stopped by a pause that nobody can have meant", async () => {
    await using server = await startTokenServer();
    const context = aContext();
    const cache = memoryCache({ clock: context.clock });
    const source = cachedSource(aSource(server), { caches: [cache] });
    const state = { failures: 1, until_ms: context.clock.now() + 1e15, pause_ms: 1e15 };
    await cache.set(`cool-down:${tokenKey(source.identity)}`, JSON.stringify(state));
    await source.request(context);
    assert.equal(server.received.length, 1);
  });

  it("shares a pause of its own for an hour at most", async () => {
    await using server = await startTokenServer(() => refusal("server_error", 500));
    const context = aContext();
    const caches = [memoryCache({ clock: context.clock })];
    const aMember = () => cachedSource(aSource(server), { caches, backoff: () => 86_400_000 });
    await assert.rejects(aMember().request(context), { code: "server_error" });
    await assert.rejects(aMember().request(context), { code: "cooling_down", retryAfterMs: 3_600_000 });
  });

  it("does not trip over its own pause", async () => {
    await using server = await startTokenServer(() => ({ status: 503 }));
    const context = aContext();
    const source = cachedSource(aSource(server), { caches: [memoryCache({ clock: context.clock })] });
    for (let i = 0; i < 3; i++) await assert.rejects(source.request(context), { code: "server_error", status: 503 });
  });

  it("counts its own errors where the cache counts none", async () => {
    await using server = await startTokenServer(() => ({ status: 503 }));
    const cache = { ...memoryCache(), set: () => Promise.reject(new Error("away")) };
    const source = cachedSource(aSource(server), { caches: [cache] });
    const { pauseMs } = await source.request(aContext({ failures: 9 })).catch((error) => error);
    assert.ok(pauseMs >= 7_500, `${pauseMs}`);
  });

  it("publishes no failure of its own network to those who may reach the server, and one pause to those who cannot", async () => {
    await using server = await startTokenServer();
    const context = aContext();
    const caches = [memoryCache({ clock: context.clock })];
    const down = () => Promise.reject(new Error("ENETUNREACH"));
    const aMember = (fetch?: () => Promise<Response>) =>
      cachedSource(aSource(server, fetch === undefined ? {} : { fetch }), { caches });
    const failed = await aMember(down)
      .request(context)
      .catch((error) => error);
    assert.equal(failed.code, "network_failed");
    const suffering = { ...context, lastError: failed };
    const paused = await aMember(down)
      .request(suffering)
      .catch((error) => error);
    assert.equal(paused.code, "cooling_down");
    assert.ok(Math.abs(paused.pauseMs - failed.pauseMs) < 1, `${paused.pauseMs} of ${failed.pauseMs} ms`);
    assert.equal((await aMember().request(context)).accessToken.reveal(), "token-1");
    assert.equal((await aMember(down).request(suffering)).accessToken.reveal(), "token-1");
  });

  it("lets one healthy member get its token at once beside 49 whose network is broken and who hold the lease", async () => {
    await using server = await startTokenServer();
    const clock = new FakeClock();
    const caches = [memoryCache({ clock })];
    const hang = () => new Promise<Response>(() => undefined);
    const broken = Array.from({ length: 49 }, () => new TokenManager({ caches, clock, timers: false }));
    const given = { timeoutMs: 600_000 };
    const waiting = broken.map((manager) => manager.getToken(aSource(server, { fetch: hang }), given));
    await clock.advance(1_000);
    const healthy = new TokenManager({ caches, clock, timers: false });
    const startedAt = clock.now();
    const token = await passing(clock, healthy.getToken(aSource(server), given));
    assert.equal(token.accessToken.reveal(), "token-1");
    assert.ok(clock.now() - startedAt <= 11_000, `${clock.now() - startedAt} ms`);
    await passing(clock, Promise.all(waiting));
    assert.equal(server.received.length, 1);
    for (const manager of [...broken, healthy]) manager.close();
  });

  it("recovers a fleet of ten within 15 s of an outage of an hour, whose pauses were one", async () => {
    let down = false;
    let attempts = 0;
    await using server = await startTokenServer((request, count) => {
      attempts++;
      return down ? { status: 503 } : freshTokens(600)(request, count);
    });
    const clock = new FakeClock();
    const caches = [memoryCache({ clock })];
    // The server takes real time, of which the fake clock knows nothing.
    const slow = { timeoutMs: 1e9 };
    const options = { caches, clock, jitter: noJitter(), cacheTimeoutMs: 1e9, leaseMs: 1e9 };
    const watchers = Array.from(
      { length: 10 },
      () => new TokenWatcher(cachedSource(aSource(server, slow), options), options),
    );
    const settle = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 500) {
        await clock.advance(500);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await settle(2_000);
    down = true;
    await settle(3_600_000 / 4);
    attempts = 0;
    await settle(60_000);
    assert.ok(attempts <= 10, `${attempts} attempts in a minute`);
    down = false;
    await settle(15_500);
    assert.ok(watchers.every((watcher) => watcher.health().status === "fresh"));
    for (const watcher of watchers) watcher.close();
  });

  it("does not share a terminal error: a sibling may have better credentials", async () => {
    await using server = await startTokenServer(() => refusal("invalid_client", 401));
    const cache = memoryCache();
    const ask = () => cachedSource(aSource(server), { caches: [cache] }).request(aContext());
    await assert.rejects(ask(), { code: "invalid_client" });
    await assert.rejects(ask(), { code: "invalid_client" });
    assert.equal(server.received.length, 2);
  });

  const broken: Record<string, TokenCache> = {
    "throws on everything": {
      name: "broken",
      get: () => Promise.reject(new Error("down")),
      set: () => Promise.reject(new Error("down")),
      ...{ lease: () => Promise.reject(new Error("down")) },
    },
    "answers garbage": { name: "broken", get: async () => '{"version":1', set: async () => undefined },
  };
  for (const [name, cache] of Object.entries(broken)) {
    it(`works with a cache that ${name}`, async () => {
      await using server = await startTokenServer();
      const token = await cachedSource(aSource(server), { caches: [cache] }).request(aContext());
      assert.equal(token.accessToken.reveal(), "token-1");
    });
  }

  it("waits for a cache that hangs no longer than it is told", async () => {
    await using server = await startTokenServer();
    const hang = () => new Promise<never>(() => undefined);
    const cache = { name: "hanging", get: hang, set: hang, lease: hang };
    const context = aContext();
    const request = cachedSource(aSource(server), { caches: [cache], cacheTimeoutMs: 200 }).request(context);
    let done = false;
    void request.then(() => {
      done = true;
    });
    while (!done) await context.clock.advance(100);
    const failed = context.events.filter(({ type }) => type === "cache_failed").length;
    assert.equal(failed, 3);
  });

  it("lets no write that lands late replace a newer token, and writes the newest of those that wait", async () => {
    await using server = await startTokenServer();
    const maps = layers(1);
    const [layer] = maps.caches;
    const { store, open } = aSlowStore(layer ?? assert.fail());
    const context = aContext();
    const requested = ["token-1", "token-2", "token-3"];
    for (const expected of requested) {
      // Each source made anew, as a manager is given them.
      const source = cachedSource(aSource(server), { caches: [store] });
      assert.equal((await passing(context.clock, source.request(context))).accessToken.reveal(), expected);
    }
    open();
    await context.clock.advance(0);
    const stored = [...(maps[0]?.values() ?? [])].map((text) => JSON.parse(text).access_token);
    assert.deepEqual(stored, ["token-3"]);
    await cachedSource(aSource(server), { caches: [store] }).request(aContext());
    assert.equal(server.received.length, 3);
  });

  it("gives back a lease that is granted after it gave up waiting for it", async () => {
    await using server = await startTokenServer();
    const inner = memoryCache();
    const granted = Promise.withResolvers<void>();
    const slow: LeasingCache = {
      ...inner,
      async lease(key, ttlMs) {
        await granted.promise;
        return inner.lease(key, ttlMs);
      },
    };
    const source = cachedSource(aSource(server), { caches: [slow], cacheTimeoutMs: 1 });
    await source.request(aContext({ clock: systemClock }));
    granted.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    assert.notEqual(await inner.lease(tokenKey(source.identity), 60_000), undefined);
  });
});
