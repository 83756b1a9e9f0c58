import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  constantBackoff,
  createToken,
  noJitter,
  randomEarlyJitter,
  TokenError,
  type TokenEvent,
  TokenWatcher,
} from "@countersign/token-keeper";
import { FakeClock } from "@countersign/token-keeper/testing";
import { type ScriptedSource, scriptedSource } from "./support/scripted-source.ts";

const backoff = constantBackoff(1_000);

async function aWatcher(source: ScriptedSource, overrides: object = {}) {
  const clock = new FakeClock();
  const watcher = new TokenWatcher(source, { clock, jitter: noJitter(), backoff, ...overrides });
  const events: TokenEvent[] = [];
  watcher.on("*", (event) => void events.push(event));
  await clock.advance(0);
  return { clock, watcher, events, types: () => events.map(({ type }) => type) };
}

const held = (watcher: TokenWatcher) => watcher.token().accessToken.reveal();

describe("TokenWatcher", () => {
  it("gets the first token at once and a new one whenever it is stale", async () => {
    const source = scriptedSource(3600);
    const { clock, watcher } = await aWatcher(source);
    assert.equal(held(watcher), "t1");
    await clock.advance(45 * 60_000 - 1);
    assert.equal(held(watcher), "t1");
    await clock.advance(1);
    assert.equal(held(watcher), "t2");
    await clock.advance(24 * 3_600_000);
    assert.equal(source.contexts.length, 34);
    watcher.close();
  });

  it("refreshes early by the jitter", async () => {
    const source = scriptedSource(3600);
    const { clock, watcher } = await aWatcher(source, {
      jitter: randomEarlyJitter(60_000),
      random: { fraction: () => 0.5, bytes: () => new Uint8Array(16) },
    });
    await clock.advance(45 * 60_000 - 30_001);
    assert.equal(held(watcher), "t1");
    await clock.advance(1);
    assert.equal(held(watcher), "t2");
    watcher.close();
  });

  it("TokenWatcher.start() retries the first token", async () => {
    const clock = new FakeClock();
    const source = scriptedSource("network_failed", "server_error", 3600);
    const started = TokenWatcher.start(source, { clock, backoff });
    await clock.advance(2_000);
    assert.equal(held(await started), "t3");
    (await started).close();
  });

  it("TokenWatcher.start() gives up at the deadline with the last error, and is closed", async () => {
    const clock = new FakeClock();
    const source = scriptedSource("network_failed");
    const started = assert.rejects(TokenWatcher.start(source, { clock, backoff, timeoutMs: 5_500 }), {
      code: "network_failed",
    });
    await clock.advance(10_000);
    await started;
    assert.equal(source.contexts.length, 6);
    assert.equal(clock.sleepers, 0);
  });

  it("TokenWatcher.start() surfaces a terminal error at once", async () => {
    const source = scriptedSource("invalid_client");
    await assert.rejects(TokenWatcher.start(source, { clock: new FakeClock() }), { code: "invalid_client" });
    assert.equal(source.contexts.length, 1);
  });

  it("keeps the old token through an outage, tells when it is stale and expired, and recovers", async () => {
    const source = scriptedSource(600, "network_failed");
    const { clock, watcher, types } = await aWatcher(source, { backoff: constantBackoff(10_000) });
    await clock.advance(599_999);
    assert.equal(held(watcher), "t1");
    await clock.advance(10_000);
    assert.throws(() => watcher.token(), { code: "network_failed" });
    assert.equal(watcher.token({ allowExpired: true }).accessToken.reveal(), "t1");
    source.steps = [600];
    await clock.advance(10_000);
    assert.equal(watcher.token().statusAt(clock.now()), "fresh");
    assert.equal(types().filter((type) => type === "stale").length, 1);
    assert.equal(types().filter((type) => type === "expired").length, 1);
    watcher.close();
  });

  it("surfaces a terminal error at once, and asks again rarely, or when it is told to refresh", async () => {
    const source = scriptedSource(600, "invalid_grant");
    const { clock, watcher, events } = await aWatcher(source);
    const changed = assert.rejects(watcher.changed(), { code: "invalid_grant" });
    await clock.advance(400_000);
    await changed;
    assert.equal(source.contexts.length, 2);
    const failed = events.filter(({ type }) => type === "refresh_failed");
    assert.deepEqual(
      failed.map((event) => "retryInMs" in event),
      [false],
    );
    await clock.advance(4 * 3_600_000);
    assert.ok(source.contexts.length > 10 && source.contexts.length < 40, `${source.contexts.length}`);
    source.steps = [600];
    const before = source.contexts.length;
    await watcher.refresh();
    await clock.advance(400_001);
    assert.equal(source.contexts.length, before + 2);
    watcher.close();
  });

  it("recovers by itself from a terminal error within a quarter of an hour of its mending", async () => {
    const source = scriptedSource("invalid_client");
    const { clock, watcher } = await aWatcher(source);
    await clock.advance(6 * 3_600_000);
    source.steps = [3600];
    await clock.advance(900_000);
    assert.equal(watcher.token().statusAt(clock.now()), "fresh");
    watcher.close();
  });

  it("takes newer credentials at once after a terminal error, and no source of another token", async () => {
    const { clock, watcher } = await aWatcher(scriptedSource("invalid_client"));
    await clock.advance(3_600_000);
    const newer = scriptedSource(3600);
    watcher.source = newer;
    await clock.advance(1_000);
    assert.equal(newer.contexts.length, 1);
    assert.equal(held(watcher), "t1");
    const other = { ...newer, identity: { ...newer.identity, audience: "other" } };
    assert.throws(() => {
      watcher.source = other;
    }, TypeError);
    watcher.close();
  });

  it("does not loop over a source that answers with stale or expired tokens", async () => {
    for (const [staleMs, lifetimeMs] of [
      [0, 60_000],
      [0, 0],
    ] as const) {
      const source = scriptedSource(async ({ clock }) =>
        createToken({ accessToken: "same" }, { issuedAt: clock.now(), lifetimeMs }, () => staleMs),
      );
      const { clock, watcher } = await aWatcher(source, { backoff: constantBackoff(5_000) });
      await clock.advance(60_000);
      assert.ok(source.contexts.length <= 13, `${source.contexts.length}`);
      watcher.close();
    }
  });

  it("refuses a token that was expired when it came", async () => {
    const source = scriptedSource(async ({ clock }) =>
      createToken({ accessToken: "old" }, { issuedAt: clock.now() - 60_000, lifetimeMs: 60_000 }),
    );
    const { watcher } = await aWatcher(source);
    assert.throws(() => watcher.token({ allowExpired: true }), { code: "token_expired" });
    watcher.close();
  });

  it("honours Retry-After over its own backoff", async () => {
    const error = new TokenError("rate_limited", "Slow", { retryAfterMs: 30_000 });
    const source = scriptedSource(error, 600);
    const { clock, watcher } = await aWatcher(source);
    await clock.advance(29_999);
    assert.equal(source.contexts.length, 1);
    await clock.advance(3_001);
    assert.equal(held(watcher), "t2");
    watcher.close();
  });

  it("changed() answers with the next token, and at once when one was missed", async () => {
    const source = scriptedSource(600);
    const { clock, watcher } = await aWatcher(source);
    const first = watcher.token();
    const next = watcher.changed();
    await clock.advance(400_000);
    assert.equal((await next).accessToken.reveal(), "t2");
    assert.equal((await watcher.changed({ since: first })).accessToken.reveal(), "t2");
    watcher.close();
  });

  it("changed() ends by its signal and by close()", async () => {
    const { watcher } = await aWatcher(scriptedSource(600));
    const control = new AbortController();
    const aborted = assert.rejects(watcher.changed({ signal: control.signal }), /enough/);
    control.abort(new Error("enough"));
    await aborted;
    const closed = assert.rejects(watcher.changed(), { code: "closed" });
    watcher.close();
    await closed;
    await assert.rejects(watcher.getToken(), { code: "closed" });
  });

  it("is iterated: the token held, each later one, the end on close", async () => {
    const { clock, watcher } = await aWatcher(scriptedSource(600));
    const seen: string[] = [];
    const iteration = (async () => {
      for await (const token of watcher) seen.push(token.accessToken.reveal());
    })();
    await clock.advance(400_000);
    await clock.advance(400_000);
    watcher.close();
    await iteration;
    assert.deepEqual(seen, ["t1", "t2", "t3"]);
  });

  it("is iterated up to a terminal error", async () => {
    const { clock, watcher } = await aWatcher(scriptedSource(600, "invalid_grant"));
    const seen: string[] = [];
    const iteration = assert.rejects(
      async () => {
        for await (const token of watcher) seen.push(token.accessToken.reveal());
      },
      { code: "invalid_grant" },
    );
    await clock.advance(400_000);
    await iteration;
    assert.deepEqual(seen, ["t1"]);
    watcher.close();
  });

  it("is disposed by await using", async () => {
    const clock = new FakeClock();
    {
      await using watcher = await TokenWatcher.start(scriptedSource(600), { clock });
      assert.equal(held(watcher), "t1");
    }
    await clock.advance(1);
    assert.equal(clock.sleepers, 0);
  });

  it("notices a thaw within half a minute and refreshes", async () => {
    const source = scriptedSource(3600);
    const { clock, watcher, events } = await aWatcher(source);
    clock.jump(50 * 60_000);
    await clock.advance(36_000);
    assert.equal(held(watcher), "t2");
    const jump = events.find((event) => event.type === "clock_jumped");
    assert.equal(jump?.type === "clock_jumped" && jump.jumpMs, 50 * 60_000);
    watcher.close();
  });

  it("judges by real time when the clock is set back", async () => {
    const source = scriptedSource(3600, "network_failed");
    const { clock, watcher } = await aWatcher(source);
    clock.jump(-3_600_000);
    await clock.advance(59 * 60_000);
    assert.equal(held(watcher), "t1");
    await clock.advance(60_000);
    assert.throws(() => watcher.token(), { code: "network_failed" });
    watcher.close();
  });

  it("goes on when a listener throws, at once or later", async () => {
    const { clock, watcher } = await aWatcher(scriptedSource(600));
    watcher.on("refreshed", () => {
      throw new Error("listener");
    });
    watcher.on("refreshed", () => Promise.reject(new Error("asynchronous listener")));
    await clock.advance(400_000);
    assert.equal(held(watcher), "t2");
    watcher.close();
  });

  it("health() tells the state without secrets", async () => {
    const { clock, watcher } = await aWatcher(scriptedSource(600, "network_failed"));
    await clock.advance(500_000);
    const { status, ageMs, expiresInMs, failures, lastError } = watcher.health();
    assert.deepEqual({ status, ageMs, expiresInMs }, { status: "stale", ageMs: 500_000, expiresInMs: 100_000 });
    assert.ok(failures > 1 && lastError?.code === "network_failed");
    assert.ok(!JSON.stringify(watcher.health()).includes("t1"));
    watcher.close();
  });

  for (const nothing of [Number.NaN, 0, -1]) {
    it(`makes no hot loop of a backoff of ${nothing}`, async () => {
      const { watcher, events } = await aWatcher(scriptedSource("network_failed"), { backoff: () => nothing });
      const [failed] = events;
      assert.ok(failed?.type === "refresh_failed");
      assert.equal(failed.retryInMs, 250);
      watcher.close();
    });
  }

  it("refreshes in time with a jitter that is no number", async () => {
    const { clock, watcher } = await aWatcher(scriptedSource(600), { jitter: () => Number.NaN });
    await clock.advance(400_000);
    assert.equal(held(watcher), "t2");
    watcher.close();
  });

  for (const name of ["minIntervalMs", "mandatoryWindowMs"]) {
    it(`refuses a ${name} that is negative or no number`, () => {
      for (const wrong of [Number.NaN, -1])
        assert.throws(() => new TokenWatcher(scriptedSource(600), { [name]: wrong }), RangeError);
    });
  }
});
