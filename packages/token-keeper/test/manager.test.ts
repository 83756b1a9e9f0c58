import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  constantBackoff,
  createToken,
  memoryCache,
  noJitter,
  type TokenEvent,
  TokenManager,
  type TokenManagerOptions,
} from "@countersign/token-keeper";
import { FakeClock } from "@countersign/token-keeper/testing";
import { aSource } from "./support/context.ts";
import { type ScriptedSource, scriptedSource } from "./support/scripted-source.ts";
import { startTokenServer } from "./support/token-server.ts";

function aManager(overrides: TokenManagerOptions = {}) {
  const clock = new FakeClock();
  const manager = new TokenManager({
    clock,
    jitter: noJitter(),
    backoff: constantBackoff(1_000),
    timers: false,
    ...overrides,
  });
  const events: TokenEvent[] = [];
  manager.on("*", (event) => void events.push(event));
  const get = async (source: ScriptedSource) => (await manager.getToken(source)).accessToken.reveal();
  return { clock, manager, events, get };
}

function named(source: ScriptedSource, audience: string): ScriptedSource {
  return Object.assign(source, { identity: { ...source.identity, audience } });
}

describe("TokenManager.getToken()", () => {
  it("makes one request for 1,000 concurrent callers", async () => {
    const { manager } = aManager();
    const source = scriptedSource(3600);
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => manager.getToken(source)));
    assert.equal(new Set(tokens).size, 1);
    assert.equal(source.contexts.length, 1);
  });

  it("answers 1,000 callers with the stale token at once, and refreshes once behind them", async () => {
    const { clock, manager } = aManager();
    const source = scriptedSource(3600);
    await manager.getToken(source);
    await clock.advance(46 * 60_000);
    const work: Promise<unknown>[] = [];
    const waitUntil = (promise: Promise<unknown>) => void work.push(promise);
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => manager.getToken(source, { waitUntil })));
    assert.deepEqual([...new Set(tokens.map((token) => token.accessToken.reveal()))], ["t1"]);
    assert.equal(work.length, 1_000);
    await Promise.all(work);
    assert.equal((await manager.getToken(source)).accessToken.reveal(), "t2");
    assert.equal(source.contexts.length, 2);
  });

  it("waits for the refresh in the mandatory window", async () => {
    const { clock, manager, get } = aManager();
    const source = scriptedSource(3600);
    await manager.getToken(source);
    await clock.advance(3_600_000 - 9_000);
    assert.equal(await get(source), "t2");
  });

  it("falls back on the living token when the refresh fails or hangs in the mandatory window", async () => {
    for (const step of ["network_failed", () => new Promise<never>(() => undefined)] as const) {
      const { clock, manager } = aManager();
      const source = scriptedSource(3600, step);
      await manager.getToken(source);
      await clock.advance(3_600_000 - 9_000);
      const got = manager.getToken(source);
      await clock.advance(4_500);
      assert.equal((await got).accessToken.reveal(), "t1");
    }
  });

  it("never hands out an expired token", async () => {
    const { clock, manager } = aManager();
    const source = scriptedSource(3600, "network_failed");
    await manager.getToken(source);
    await clock.advance(3_600_000);
    const got = assert.rejects(manager.getToken(source, { timeoutMs: 3_000 }), { code: "network_failed" });
    await clock.advance(3_000);
    await got;
  });

  it("retries within the deadline", async () => {
    const { clock, manager } = aManager();
    const source = scriptedSource("network_failed", "timed_out", 3600);
    const got = manager.getToken(source);
    await clock.advance(2_000);
    assert.equal((await got).accessToken.reveal(), "t3");
  });

  it("tells a terminal error to all, and asks again only after a moment", async () => {
    const { clock, manager } = aManager();
    const source = scriptedSource("invalid_client");
    for (let i = 0; i < 100; i++) await assert.rejects(manager.getToken(source), { code: "invalid_client" });
    assert.equal(source.contexts.length, 1);
    await clock.advance(5_000);
    await assert.rejects(manager.getToken(source), { code: "invalid_client" });
    assert.equal(source.contexts.length, 2);
  });

  it("ends one caller's wait by its signal, and not the refresh", async () => {
    const { manager, get } = aManager();
    const gate = Promise.withResolvers<void>();
    const source = scriptedSource(async (context) => {
      await gate.promise;
      return scriptedSource(3600).request(context);
    });
    const control = new AbortController();
    const impatient = assert.rejects(manager.getToken(source, { signal: control.signal }), /enough/);
    const patient = get(source);
    control.abort(new Error("enough"));
    await impatient;
    gate.resolve();
    assert.equal(await patient, "t1");
    assert.equal(source.contexts.length, 1);
  });

  it("tells waiting callers when it is closed", async () => {
    const { manager, clock, events } = aManager();
    const source = scriptedSource(
      ({ signal }) =>
        new Promise<never>((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    );
    const waiting = assert.rejects(manager.getToken(source), { code: "closed" });
    manager.close();
    await waiting;
    await assert.rejects(manager.getToken(source), { code: "closed" });
    await clock.advance(0);
    assert.equal(clock.sleepers, 0);
    assert.deepEqual(events, [], "to be closed is no failure");
  });

  it("tells callers who wait for a token that was evicted when it is closed, and asks no more", async () => {
    const { clock, manager } = aManager({ maxTokens: 1 });
    const [down, up] = [named(scriptedSource("network_failed"), "down"), named(scriptedSource(3600), "up")];
    const told = assert.rejects(manager.getToken(down), { code: "closed" });
    await manager.getToken(up);
    manager.close();
    await clock.advance(10_000);
    assert.equal(down.contexts.length, 1);
    await clock.advance(30_000);
    await told;
  });

  it("keeps audiences apart", async () => {
    await using server = await startTokenServer((request, count) => ({
      body: { access_token: `${request.parameters.get("audience")}#${count}`, token_type: "Bearer", expires_in: 60 },
    }));
    const manager = new TokenManager({ caches: [memoryCache()] });
    const audiences = ["https://a.example", "https://b.example", "https://c.example"];
    for (const audience of [...audiences, ...audiences]) {
      const token = await manager.getToken(aSource(server, { audience }));
      assert.ok(token.accessToken.reveal().startsWith(`${audience}#`));
    }
    assert.equal(server.received.length, 3);
    manager.close();
  });

  it("uses newer credentials of the same identity from the next attempt on", async () => {
    const { clock, manager } = aManager();
    await assert.rejects(manager.getToken(scriptedSource("invalid_client")), { code: "invalid_client" });
    const got = manager.getToken(scriptedSource(3600));
    await clock.advance(1_000);
    assert.equal((await got).accessToken.reveal(), "t1");
  });

  it("asks once a second at most when each call brings a new source that cannot work", async () => {
    const { clock, manager } = aManager();
    const sources = Array.from({ length: 50 }, () => scriptedSource("invalid_client"));
    const work = (async () => {
      for (const source of sources) await assert.rejects(manager.getToken(source), { code: "invalid_client" });
    })();
    await clock.advance(10_500);
    const requests = sources.reduce((sum, { contexts }) => sum + contexts.length, 0);
    assert.equal(requests, 11);
    await clock.advance(60_000);
    await work;
  });

  it("drops what was used longest ago", async () => {
    const { manager, events } = aManager({ maxTokens: 2 });
    const [a, b, c] = ["a", "b", "c"].map((audience) => named(scriptedSource(3600), audience));
    assert.ok(a && b && c);
    for (const source of [a, b, a, c, a, b]) await manager.getToken(source);
    assert.deepEqual(
      [a, b, c].map(({ contexts }) => contexts.length),
      [1, 2, 1],
    );
    assert.equal(events.filter(({ type }) => type === "evicted").length, 2);
    assert.equal(manager.health().tokens.length, 2);
  });
});

describe("TokenManager.invalidate()", () => {
  it("drops the token if it is still the one held", async () => {
    const { clock, manager, get } = aManager();
    const source = scriptedSource(3600);
    const first = await manager.getToken(source);
    await clock.advance(1_000);
    assert.equal(manager.invalidate(source, first), true);
    assert.equal(manager.invalidate(source, first), false);
    assert.equal(await get(source), "t2");
    assert.equal(manager.invalidate(source, first), false);
    assert.equal(await get(source), "t2");
    assert.equal(source.contexts[1]?.rejected?.reveal(), first.accessToken.reveal());
  });

  it("takes a refused token back from no cache, but from the issuer that gives it again: the refusal was wrong", async () => {
    await using server = await startTokenServer(() => ({
      body: { access_token: "same", token_type: "Bearer", expires_in: 3600 },
    }));
    const { clock, manager } = aManager({ caches: [memoryCache()] });
    const source = aSource(server);
    const first = await manager.getToken(source);
    await clock.advance(1_000);
    manager.invalidate(source, first);
    assert.equal((await manager.getToken(source)).accessToken.reveal(), "same");
    assert.equal(server.received.length, 2);
  });

  it("asks for a token that is refused and confirmed again and again less and less often, and fails no call", async () => {
    const source = scriptedSource(async ({ clock }) =>
      createToken({ accessToken: "same" }, { issuedAt: clock.now(), lifetimeMs: 3_600_000 }),
    );
    const { clock, manager, get } = aManager();
    for (let i = 0; i < 600; i++) {
      const got = get(source);
      await clock.advance(1_000);
      assert.equal(await got, "same");
      manager.invalidate(source, await manager.getToken(source));
    }
    assert.ok(source.contexts.length > 5 && source.contexts.length < 20, `${source.contexts.length}`);
  });

  it("asks at most once a second, however many calls are refused", async () => {
    const { clock, manager } = aManager();
    const source = scriptedSource(3600);
    const work = (async () => {
      for (let i = 0; i < 5; i++) manager.invalidate(source, await manager.getToken(source));
    })();
    await clock.advance(2_500);
    assert.equal(source.contexts.length, 3);
    await clock.advance(5_000);
    await work;
  });
});

describe("TokenManager with timers", () => {
  it("refreshes in the background what was used, and nothing else", async () => {
    const { clock, manager } = aManager({ timers: true });
    const [used, idle] = [named(scriptedSource(3600), "used"), named(scriptedSource(3600), "idle")];
    for (const source of [used, idle, used]) await manager.getToken(source);
    await clock.advance(50 * 60_000);
    assert.deepEqual(
      [used, idle].map(({ contexts }) => contexts.length),
      [2, 1],
    );
    manager.close();
    await clock.advance(0);
    assert.equal(clock.sleepers, 0);
  });

  it("spreads what a jump of the clock makes due at once", async () => {
    const { clock, manager, events } = aManager({ timers: true });
    const at: number[] = [];
    const sources = Array.from({ length: 100 }, (_, index) =>
      named(
        scriptedSource(3600, async (context) => {
          at.push(clock.monotonic());
          return scriptedSource(3600).request(context);
        }),
        `${index}`,
      ),
    );
    for (const source of [...sources, ...sources]) await manager.getToken(source);
    clock.jump(50 * 60_000);
    await clock.advance(40_000);
    assert.equal(at.length, 100);
    assert.ok(Math.max(...at) - Math.min(...at) > 4_000);
    assert.equal(events.filter(({ type }) => type === "clock_jumped").length, 1);
    manager.close();
  });

  it("refuses to keep less than one token, or no number of them", () => {
    for (const maxTokens of [0, Number.NaN]) assert.throws(() => new TokenManager({ maxTokens }), RangeError);
  });
});
