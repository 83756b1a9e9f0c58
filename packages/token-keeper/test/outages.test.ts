import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  cachedSource,
  createToken,
  exponentialBackoff,
  memoryCache,
  noJitter,
  TokenError,
  TokenManager,
  TokenWatcher,
} from "@countersign/token-keeper";
import { FakeClock, seededRandom } from "@countersign/token-keeper/testing";
import { parseTokenResponse } from "../src/token-response.ts";
import { type ScriptedSource, type Step, scriptedSource } from "./support/scripted-source.ts";

/** What the token endpoint's answer of a status without an OAuth error comes to. */
function refused(status: number): Error {
  try {
    parseTokenResponse({ status, contentType: "text/html", text: "<html>", serverNow: 0 });
  } catch (error) {
    if (error instanceof Error) return error;
  }
  return assert.fail(`${status} was no refusal`);
}

const statuses = [204, 302, 400, 401, 403, 404, 407, 409, 421, 423, 425, 429, 503];

/** A source whose answers change while time passes. */
function changing(step: Step): ScriptedSource & { step: Step } {
  const state = { step };
  const source = scriptedSource((context) => scriptedSource(state.step).request(context));
  return Object.defineProperty(Object.assign(source, state), "step", {
    get: () => state.step,
    set: (next: Step) => {
      state.step = next;
    },
  });
}

describe("240 minutes in which one answer was wrong", () => {
  for (const status of statuses) {
    it(`a watcher: one ${status} at staleness costs no call anything`, async () => {
      const clock = new FakeClock();
      const source = scriptedSource(3600, refused(status), 3600);
      await using watcher = new TokenWatcher(source, { clock, jitter: noJitter() });
      for (let minute = 0; minute < 240; minute++) {
        await clock.advance(60_000);
        assert.notEqual(watcher.token().statusAt(clock.now()), "expired");
      }
      assert.equal(watcher.token().statusAt(clock.now()), "fresh");
      assert.equal(source.contexts.length, 7);
    });
  }

  it("a manager: the same, for the call that meets it first", async () => {
    const clock = new FakeClock();
    await using manager = new TokenManager({ clock, jitter: noJitter(), timers: false });
    const source = scriptedSource(refused(403), 3600);
    const got = manager.getToken(source);
    await clock.advance(1_000);
    assert.equal((await got).accessToken.reveal(), "t2");
  });
});

describe("an outage", () => {
  it("is over within the longest pause of the backoff, also when it began in a token's last seconds", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const clock = new FakeClock();
      const source = changing(600);
      const options = { clock, jitter: noJitter(), random: seededRandom(seed) };
      await using watcher = new TokenWatcher(source, options);
      await clock.advance(399_000);
      const requests = source.contexts.length;
      source.step = "network_failed";
      await clock.advance(199_000 + seed * 1_000);
      source.step = 600;
      await clock.advance(15_000);
      assert.equal(watcher.token().statusAt(clock.now()), "fresh", `seed ${seed}`);
      assert.ok(source.contexts.length - requests < 60);
    }
  });

  it("that begins with ten seconds to go leaves the backoff at its beginning when the token expires", async () => {
    const clock = new FakeClock();
    const source = changing(60);
    const backoff = exponentialBackoff({ initialMs: 2_000, jitter: "none" });
    await using watcher = new TokenWatcher(source, { clock, jitter: noJitter(), backoff });
    await clock.advance(39_000);
    // Half a second before expiry; until then the refresh takes its time.
    source.step = async () => {
      await clock.sleep(20_000);
      throw new TokenError("network_failed", "late");
    };
    await clock.advance(21_000);
    source.step = "network_failed";
    const failed: number[] = [];
    watcher.on("refresh_failed", ({ retryInMs }) => void failed.push(retryInMs ?? 0));
    await clock.advance(5_000);
    assert.ok(failed.length > 0 && Math.max(...failed) <= 4_000, `${failed}`);
  });
});

describe("what a sibling got", () => {
  for (const code of ["invalid_client", "invalid_grant", "rate_limited"] as const) {
    it(`ends the pause after ${code} within seconds, in a watcher and for a call`, async () => {
      const clock = new FakeClock();
      const caches = [memoryCache({ clock })];
      const refusing = () => scriptedSource(new TokenError(code, "no", { status: 400, retryAfterMs: 3_600_000 }));
      const [watched, asked] = [refusing(), refusing()];
      await using watcher = new TokenWatcher(cachedSource(watched, { caches }), { clock });
      await using manager = new TokenManager({ caches, clock, timers: false });
      await clock.advance(10_000);
      await assert.rejects(manager.getToken(asked, { timeoutMs: 0 }));
      const known = watched.contexts.length;
      // As another process does, which has better credentials.
      await putToken(caches[0] ?? assert.fail(), watched, clock);
      await clock.advance(5_001);
      assert.equal(watcher.token().accessToken.reveal(), "sibling");
      assert.equal((await manager.getToken(asked)).accessToken.reveal(), "sibling");
      assert.equal(watched.contexts.length, known);
    });
  }
});

function contextOf(source: ScriptedSource) {
  return source.contexts[0] ?? assert.fail("nothing was asked");
}

/** Publishes a token for a source's identity. */
async function putToken(cache: ReturnType<typeof memoryCache>, source: ScriptedSource, clock: FakeClock) {
  const sibling = {
    identity: source.identity,
    request: async () => createToken({ accessToken: "sibling" }, { issuedAt: clock.now(), lifetimeMs: 3_600_000 }),
  };
  const plain = { name: "plain", get: cache.get, set: cache.set };
  await cachedSource(sibling, { caches: [plain] }).request(contextOf(source));
}
