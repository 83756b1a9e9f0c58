import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import { type ConfigInput, parseConfig } from "../../src/config.ts";
import { createLimits, type Limits } from "../../src/limits/attempt-limits.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { type Around, aroundStore } from "../users/around-store.ts";

interface Nodes {
  readonly clock: FakeClock;
  readonly nodes: readonly Limits[];
  readonly first: Limits;
  /** Calls of the store so far. */
  calls(): number;
}

/** Several nodes on one store, whose calls overtake each other. */
function makeNodes(count: number, limits: ConfigInput["limits"] = {}, around?: Around): Nodes {
  const clock = new FakeClock();
  const memory = createMemoryStore({ clock });
  const config = parseConfig({ issuer: "http://localhost:8080", limits });
  const jitter = seededRandom("jitter");
  let calls = 0;
  const store = aroundStore(memory, async (call, run) => {
    calls += 1;
    for (let turns = 1 + ((jitter.bytes(1)[0] ?? 0) % 4); turns > 0; turns--) await new Promise(setImmediate);
    return around === undefined ? run() : around(call, run);
  });
  const nodes = Array.from({ length: count }, () => createLimits({ store, clock, config }));
  return { clock, nodes, first: createLimits({ store, clock, config }), calls: () => calls };
}

async function allowedOf(attempts: readonly Promise<boolean>[]): Promise<number> {
  return (await Promise.all(attempts)).filter(Boolean).length;
}

/** How many of the calls passed; whoever did not was told to slow down. */
async function passedOf(calls: readonly Promise<void>[]): Promise<number> {
  const outcomes = await Promise.allSettled(calls);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") assertSlowDown(outcome.reason);
  }
  return outcomes.filter(({ status }) => status === "fulfilled").length;
}

function assertSlowDown(error: unknown): void {
  assert.ok(error instanceof CountersignError && error.code === "too_many_requests", String(error));
  assert.ok((error.retryAfterMs ?? 0) > 0, "no time to wait");
}

const yearMs = 365 * 86_400_000;

describe("Limits: a clock that ran ahead and was put back", () => {
  it("locks no account and no address for longer than a clock that was right", async () => {
    const { clock, first } = makeNodes(0, { address_attempts_per_minute: 10 });
    const attempt = { username: "alice", address: "192.0.2.1" };
    clock.jump(yearMs);
    while (await first.countLogin(attempt));
    const untilRefused = async () => {
      for (;;) await first.countLogin(attempt);
    };
    await assert.rejects(untilRefused, { code: "too_many_requests" });
    clock.jump(-yearMs);
    assert.equal(await first.countLogin(attempt), true);
    assert.equal(await first.countLogin(attempt), false, "what was counted stays counted");
  });

  it("gives no budget twice to nodes whose clocks are a minute apart", async () => {
    const { clock, first } = makeNodes(0);
    const take = () => first.countAddress("register", "192.0.2.1", 10);
    assert.equal(await passedOf(Array.from({ length: 20 }, take)), 10);
    clock.jump(-60_000);
    assert.equal(await passedOf(Array.from({ length: 20 }, take)), 0);
  });
});

describe("Limits.countLogin", () => {
  it("E1 lets five of 200 parallel guesses on three nodes through", async () => {
    const { nodes } = makeNodes(3);
    const attempts = Array.from({ length: 200 }, (_, index) => nodes[index % 3]?.countLogin({ username: "alice" }));
    assert.equal(await allowedOf(attempts.map((attempt) => attempt ?? Promise.resolve(false))), 5);
  });

  it("E1 lets one through after each delay, however many try at once", async () => {
    const { nodes, clock } = makeNodes(3);
    const tryAll = () =>
      allowedOf(nodes.flatMap((node) => Array.from({ length: 20 }, () => node.countLogin({ username: "alice" }))));
    assert.equal(await tryAll(), 5);
    for (const seconds of [1, 2, 4, 8]) {
      await clock.advance(seconds * 1000 - 1);
      assert.equal(await tryAll(), 0);
      await clock.advance(1);
      assert.equal(await tryAll(), 1);
    }
  });

  it("counts each account by itself", async () => {
    const { first } = makeNodes(1);
    for (let attempt = 0; attempt < 6; attempt++) await first.countLogin({ username: "alice" });
    assert.equal(await first.countLogin({ username: "alice" }), false);
    assert.equal(await first.countLogin({ username: "bob" }), true);
  });

  it("starts afresh after clearLogin, on every node", async () => {
    const { nodes, first } = makeNodes(1, { login_attempts: 1, login_max_delay: 60 });
    await first.countLogin({ username: "alice" });
    assert.equal(await first.countLogin({ username: "alice" }), false);
    await first.clearLogin("alice");
    assert.equal(await nodes[0]?.countLogin({ username: "alice" }), true);
    await first.clearLogin("alice");
    assert.equal(await first.countLogin({ username: "alice" }), true);
  });

  it("sees within a second that another node has ended the delays", async () => {
    const { nodes, first, clock } = makeNodes(1);
    for (let attempt = 0; attempt < 12; attempt++) {
      await first.countLogin({ username: "alice" });
      await clock.advance(10_000);
    }
    assert.equal(await first.countLogin({ username: "alice" }), false);
    await nodes[0]?.clearLogin("alice");
    assert.equal(await first.countLogin({ username: "alice" }), false);
    await clock.advance(1000);
    assert.equal(await first.countLogin({ username: "alice" }), true);
  });

  it("forgets an account that rested for four of its longest delays", async () => {
    const { first, clock } = makeNodes(1, { login_attempts: 3, login_max_delay: 10 });
    for (let attempt = 0; attempt < 3; attempt++) await first.countLogin({ username: "alice" });
    await clock.advance(1000 + 40_000);
    const attempts = [1, 2, 3, 4].map(() => first.countLogin({ username: "alice" }));
    assert.equal(await allowedOf(attempts), 3);
  });

  it("reads nothing for attempts at an account that it knows is delayed", async () => {
    const { first, calls } = makeNodes(1);
    for (let attempt = 0; attempt < 6; attempt++) await first.countLogin({ username: "alice" });
    const before = calls();
    const attempts = Array.from({ length: 1000 }, () => first.countLogin({ username: "alice" }));
    assert.equal(await allowedOf(attempts), 0);
    assert.equal(calls(), before);
  });

  it("reads once for attempts that waited for each other while the account came to be delayed", async () => {
    const { nodes, calls } = makeNodes(2);
    const [one, other] = nodes;
    assert.ok(one && other);
    for (let attempt = 0; attempt < 5; attempt++) await one.countLogin({ username: "alice" });
    await one.countLogin({ username: "alice" });
    const before = calls();
    const attempts = Array.from({ length: 1000 }, () => other.countLogin({ username: "alice" }));
    assert.equal(await allowedOf(attempts), 0);
    assert.equal(calls() - before, 1);
  });

  it("finds nothing to give back where an attempt was forgotten since", async () => {
    const { first } = makeNodes(1);
    await first.loginSucceeded({ username: "alice", address: "192.0.2.1" });
    assert.equal(await first.countLogin({ username: "alice", address: "192.0.2.1" }), true);
  });

  it("E4 stops one address that tries many names, and nobody else", async () => {
    const { first, clock } = makeNodes(1);
    const stuff = (address: string) =>
      passedOf(Array.from({ length: 500 }, (_, n) => first.countLogin({ username: `u${n}`, address }).then(() => {})));
    assert.equal(await stuff("192.0.2.1"), 60);
    assert.equal(await first.countLogin({ username: "alice", address: "192.0.2.2" }), true);
    await clock.advance(60_000);
    assert.equal(await stuff("192.0.2.1"), 60);
  });

  it("E4 counts a whole /64 of IPv6 as one, and IPv4-mapped addresses as IPv4", async () => {
    const { first } = makeNodes(1);
    const attempts = Array.from({ length: 200 }, (_, n) =>
      first.countAddress("login", `2001:db8::${n.toString(16)}`, 60),
    );
    assert.equal(await passedOf(attempts), 60);
    await first.countAddress("login", "2001:db8:0:1::1", 60);
    for (let n = 0; n < 60; n++) await first.countAddress("login", "192.0.2.1", 60);
    await assert.rejects(first.countAddress("login", "::ffff:192.0.2.1", 60), assertRejection);
  });

  it("does not count the account when the address is refused", async () => {
    const { first, clock } = makeNodes(1, { address_attempts_per_minute: 1, login_attempts: 1 });
    await first.countLogin({ username: "alice", address: "192.0.2.1" });
    for (let n = 0; n < 10; n++) {
      await assert.rejects(first.countLogin({ username: "alice", address: "192.0.2.1" }), assertRejection);
    }
    await clock.advance(60_000);
    assert.equal(await first.countLogin({ username: "alice", address: "192.0.2.1" }), true);
  });

  it("E8 lets nobody through while the store fails", async () => {
    const failure = new CountersignError("temporarily_unavailable");
    const { first } = makeNodes(1, {}, () => Promise.reject(failure));
    await assert.rejects(first.countLogin({ username: "alice" }), failure);
    await assert.rejects(first.countAddress("register", "192.0.2.1", 60), failure);
  });

  it("E8 goes on counting after the store has failed in the middle", async () => {
    let failing = true;
    const { first } = makeNodes(1, {}, (call, run) =>
      failing && call.verb === "swap" ? Promise.reject(new CountersignError("temporarily_unavailable")) : run(),
    );
    await Promise.all([1, 2, 3].map(() => assert.rejects(first.countLogin({ username: "alice" }))));
    failing = false;
    assert.equal(await allowedOf([1, 2, 3, 4, 5, 6].map(() => first.countLogin({ username: "alice" }))), 5);
  });

  it("gives up, closed, on a key that never stands still", async () => {
    const { first, calls } = makeNodes(1, {}, (call, run) =>
      call.verb === "swap" ? Promise.resolve(undefined as Awaited<ReturnType<typeof run>>) : run(),
    );
    assert.equal(await first.countLogin({ username: "alice" }), false);
    assert.ok(calls() <= 200, `${calls()} calls`);
  });
});

describe("Limits.countAddress", () => {
  it("keeps the budgets of purposes apart, and lets unknown addresses pass", async () => {
    const { first } = makeNodes(1);
    await first.countAddress("login", "192.0.2.1", 1);
    await first.countAddress("register", "192.0.2.1", 1);
    await assert.rejects(first.countAddress("register", "192.0.2.1", 1), assertRejection);
    for (let n = 0; n < 5; n++) await first.countAddress("register", undefined, 1);
  });

  it("shares one budget among three nodes", async () => {
    const { nodes } = makeNodes(3);
    const calls = nodes.flatMap((node) =>
      Array.from({ length: 100 }, () => node.countAddress("login", "192.0.2.1", 50)),
    );
    assert.equal(await passedOf(calls), 50);
  });

  it("says the same whichever limit was met", async () => {
    const { first } = makeNodes(1);
    await first.countAddress("login", "192.0.2.1", 1);
    await first.countAddress("register", "192.0.2.1", 1);
    const messages = await Promise.all(
      ["login", "register"].map((purpose) => first.countAddress(purpose, "192.0.2.1", 1).catch(String)),
    );
    assert.equal(new Set(messages).size, 1);
  });
});

function assertRejection(error: unknown): boolean {
  assertSlowDown(error);
  return true;
}
