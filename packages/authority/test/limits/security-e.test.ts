import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError, equalInConstantTime } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { argon2id, type DeriveInput, workOf } from "../../src/limits/passwords.ts";
import { parsePhc } from "../../src/limits/phc.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { testAuthority } from "../../src/testing.ts";
import { aroundStore, type StoreCall } from "../users/around-store.ts";
import { aRegistration, makeNode, type Node, type NodeOptions } from "../users/world.ts";

const login = { username: "alice", password: "correct horse battery", clientId: "app" };
const wrong = { ...login, password: "wrong password" };

interface Outcome {
  readonly code: string;
  readonly text: string;
  readonly retryAfterMs: number | undefined;
}

async function outcomeOf(action: Promise<unknown>): Promise<Outcome> {
  try {
    await action;
    return { code: "accepted", text: "", retryAfterMs: undefined };
  } catch (error) {
    assert.ok(error instanceof CountersignError, String(error));
    return { code: error.code, text: error.message, retryAfterMs: error.retryAfterMs };
  }
}

async function tally(actions: readonly Promise<unknown>[]): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { code } of await Promise.all(actions.map(outcomeOf))) counts[code] = (counts[code] ?? 0) + 1;
  return counts;
}

/** A node that notes each computation and each call of the store. */
function makeCounted(options: NodeOptions = {}) {
  const derived: DeriveInput[] = [];
  const calls: StoreCall[] = [];
  const plain = makeNode(options);
  const store = aroundStore(plain.store, async (call, run) => {
    calls.push(call);
    await new Promise(setImmediate);
    return run();
  });
  const derive = (input: DeriveInput) => {
    derived.push(input);
    return argon2id(input);
  };
  const make = (seed: number) => makeNode({ ...options, clock: plain.clock, store, derive, seed });
  const node = make(2);
  /** What has been done since the last look. */
  const work = () => ({
    kib: Math.round(derived.splice(0).reduce((sum, { cost }) => sum + workOf(cost), 0) / 10),
    calls: calls.splice(0).map(({ verb, key }) => `${verb} ${key.split("#")[0]}`),
  });
  return { ...node, make, derived, work };
}

/** Accounts an attacker must not be able to tell apart. */
const accounts: readonly { readonly id: string; readonly prepare: (node: Node) => Promise<unknown> }[] = [
  { id: "a known user", prepare: ({ users }) => users.register(aRegistration(), "test") },
  { id: "an unknown user", prepare: async () => {} },
  {
    id: "a disabled user",
    prepare: async ({ users }) => {
      const { userId } = await users.register(aRegistration(), "test");
      await users.setDisabled(userId, true, "test");
    },
  },
  {
    id: "a deleted user",
    prepare: async ({ users }) => {
      const { userId } = await users.register(aRegistration(), "test");
      await users.delete(userId, "test");
    },
  },
  {
    id: "a user with a hash of former parameters",
    prepare: async ({ store, clock }) => {
      const former = makeNode({ store, clock, cost: { memoryKib: 128, passes: 1, lanes: 1 } });
      await former.users.register(aRegistration(), "test");
    },
  },
];

const today = { memoryKib: 512, passes: 2, lanes: 1 };
/** One hash of today's, in tens of KiB passed over. */
const oneHash = Math.round(workOf(today) / 10);

describe("section E: guessing, timing, load", () => {
  it("E1 200 parallel guesses on three nodes: five meet the account's hash, all get the same answer", async () => {
    const { users, make, derived } = makeCounted({
      config: { limits: { password_queue_ms: 10_000, password_parallel: 64 } },
    });
    const { credential } = await users.register(aRegistration(), "test");
    const salt = Buffer.from(parsePhc(credential)?.salt ?? []);
    derived.length = 0;
    const nodes = [make(3), make(4), make(5)];
    const guesses = Array.from({ length: 200 }, (_, n) =>
      outcomeOf(nodes[n % 3]?.users.authenticate({ ...wrong, password: `wrong password ${n}` }) ?? Promise.resolve()),
    );
    const answers = new Set((await Promise.all(guesses)).map((answer) => JSON.stringify(answer)));
    assert.equal(answers.size, 1);
    assert.match([...answers].join(), /invalid_grant/);
    assert.equal(derived.filter((input) => salt.equals(input.salt)).length, 5);
  });

  it("E1 the right password is refused while the account is delayed, and accepted after", async () => {
    const { users, clock } = makeNode();
    await users.register(aRegistration(), "test");
    for (let n = 0; n < 5; n++) await outcomeOf(users.authenticate(wrong));
    assert.equal((await outcomeOf(users.authenticate(login))).code, "invalid_grant");
    await clock.advance(1000);
    assert.equal((await outcomeOf(users.authenticate(login))).code, "accepted");
  });

  for (const { id, prepare } of accounts) {
    it(`E2 a wrong password for ${id} costs and answers as for any other`, async () => {
      const counted = makeCounted({ cost: today });
      await prepare(counted);
      counted.work();
      const answer = await outcomeOf(counted.users.authenticate(wrong));
      assert.deepEqual(answer, {
        code: "invalid_grant",
        text: new CountersignError("invalid_grant").message,
        retryAfterMs: undefined,
      });
      assert.deepEqual(counted.work(), { kib: oneHash, calls: ["get L", "swap L", "get UN", "get U"] });
    });

    it(`E2 an attempt at ${id} that is delayed costs and answers as for any other`, async () => {
      const counted = makeCounted({ cost: today });
      await prepare(counted);
      for (let n = 0; n < 6; n++) await outcomeOf(counted.users.authenticate(wrong));
      counted.work();
      for (const attempt of [wrong, login, { ...login, password: "x".repeat(5000) }]) {
        assert.equal((await outcomeOf(counted.users.authenticate(attempt))).code, "invalid_grant");
        assert.deepEqual(counted.work(), { kib: oneHash, calls: ["get UN", "get U"] });
      }
    });
  }

  it("E2 a disabled user's right password is refused as a wrong one is", async () => {
    const { users } = makeNode();
    const { userId } = await users.register(aRegistration(), "test");
    await users.setDisabled(userId, true, "test");
    assert.deepEqual(await outcomeOf(users.authenticate(login)), await outcomeOf(users.authenticate(wrong)));
  });

  it("E2 a password or a name that nobody can have costs a hash as well", async () => {
    const counted = makeCounted({ cost: today });
    await counted.users.register(aRegistration(), "test");
    for (const attempt of [
      { ...login, password: "a\0b" },
      { ...login, username: "a\u200Bb" },
    ]) {
      counted.work();
      assert.equal((await outcomeOf(counted.users.authenticate(attempt))).code, "invalid_grant");
      assert.equal(counted.work().kib, oneHash);
    }
  });

  it("E3 compares secrets of any length without a trend: by their digests", () => {
    const secret = "k".repeat(43);
    assert.equal(equalInConstantTime(secret, secret), true);
    for (const guess of ["", "k", "k".repeat(42), "k".repeat(44), `${"k".repeat(42)}l`]) {
      assert.equal(equalInConstantTime(guess, secret), false);
    }
  });

  for (const { id, addressOf } of [
    { id: "one IPv4 address", addressOf: () => "192.0.2.1" },
    { id: "one /64 of IPv6", addressOf: (n: number) => `2001:db8:0:1::${n.toString(16)}` },
  ]) {
    it(`E4 10,000 names from ${id}: the budget stops it, and a user elsewhere logs in`, async () => {
      const { users, derived } = makeCounted({ config: { limits: { password_queue_ms: 10_000 } } });
      await users.register(aRegistration(), "test");
      derived.length = 0;
      const counts = await tally(
        Array.from({ length: 10_000 }, (_, n) =>
          users.authenticate({ ...wrong, username: `user${n}`, address: addressOf(n) }),
        ),
      );
      assert.deepEqual(counts, { invalid_grant: 60, too_many_requests: 9940 });
      assert.equal(derived.length, 60);
      assert.equal((await users.authenticate({ ...login, address: "198.51.100.9" })).username, "alice");
      const here = users.authenticate({ ...login, address: addressOf(1) });
      assert.equal((await outcomeOf(here)).code, "too_many_requests");
    });
  }

  it("E4 a spread over a /24 is stopped at the victim's account: 50 meet its hash, however many addresses try", async () => {
    const { users, derived } = makeCounted({
      config: { limits: { password_queue_ms: 10_000, password_parallel: 64 } },
    });
    const { credential } = await users.register(aRegistration(), "test");
    const salt = Buffer.from(parsePhc(credential)?.salt ?? []);
    derived.length = 0;
    await tally(Array.from({ length: 512 }, (_, n) => users.authenticate({ ...wrong, address: `192.0.2.${n % 256}` })));
    assert.equal(derived.filter((input) => salt.equals(input.salt)).length, 50);
  });

  it("E5 an attacker who never stops leaves the owner a way in: the delay has an end, and a login clears it", async () => {
    const { users, clock } = makeNode({ config: { limits: { login_max_delay: 60 } } });
    await users.register(aRegistration(), "test");
    for (let n = 0; n < 50; n++) {
      await outcomeOf(users.authenticate(wrong));
      await clock.advance(60_000);
    }
    await users.authenticate(login);
    assert.deepEqual(await tally([1, 2, 3, 4].map(() => users.authenticate(wrong))), { invalid_grant: 4 });
    await users.authenticate(login);
  });

  it("E6 500 parallel logins: the queue is bounded, who waits too long is told when to come back", async () => {
    let running = 0;
    let peak = 0;
    const release: (() => void)[] = [];
    const node = makeNode({
      derive: async (input) => {
        running += 1;
        peak = Math.max(peak, running);
        await new Promise<void>((resolve) => release.push(resolve));
        running -= 1;
        return argon2id(input);
      },
    });
    const attempts = Array.from({ length: 500 }, (_, n) =>
      outcomeOf(node.users.authenticate({ ...wrong, username: `user${n}` })),
    );
    await node.clock.advance(0);
    await node.clock.advance(500);
    for (const done of release.splice(0)) done();
    const outcomes = await Promise.all(attempts);
    assert.equal(peak, 2);
    assert.equal(outcomes.filter(({ code }) => code === "invalid_grant").length, 2);
    const refused = outcomes.filter(({ code }) => code === "temporarily_unavailable");
    assert.equal(refused.length, 498);
    assert.ok(refused.every(({ retryAfterMs }) => retryAfterMs === 1000));
  });

  it("E7 a refusal by address says how long to wait, and nothing of what was counted", async () => {
    const { users } = makeNode({ config: { limits: { address_attempts_per_minute: 1 } } });
    const attempt = { ...wrong, address: "192.0.2.1" };
    await outcomeOf(users.authenticate(attempt));
    const { code, text, retryAfterMs } = await outcomeOf(users.authenticate(attempt));
    assert.equal(code, "too_many_requests");
    assert.ok(retryAfterMs !== undefined && retryAfterMs > 0 && retryAfterMs <= 60_000);
    assert.doesNotMatch(text, /address|account|192|alice|user/i);
  });

  it("E8 clients get their tokens while attempts cannot be counted", async () => {
    const clock = new FakeClock();
    const broken = aroundStore(createMemoryStore({ clock }), (call, run) =>
      call.key.startsWith("L#") ? Promise.reject(new CountersignError("temporarily_unavailable")) : run(),
    );
    const authority = await testAuthority({ clock, store: broken });
    const { client, secret } = await authority.client();
    const fields = { client_id: client.clientId, client_secret: secret };
    const statusOf = async (more: Readonly<Record<string, string>>) =>
      (await authority.form("/oauth/token", { ...fields, ...more })).status;
    await authority.services.clients.update(client.clientId, { grants: ["client_credentials", "password"] }, "test");
    assert.equal(await statusOf({ grant_type: "password", username: "alice", password: "wrong password" }), 503);
    assert.equal(await statusOf({ grant_type: "client_credentials" }), 200);
    await authority.close();
  });

  it("E8 no password is judged while attempts cannot be counted", async () => {
    const { clock, store, users } = makeNode();
    await users.register(aRegistration(), "test");
    const broken = aroundStore(store, (call, run) =>
      call.key.startsWith("L#") ? Promise.reject(new CountersignError("temporarily_unavailable")) : run(),
    );
    let hashes = 0;
    const derive = (input: DeriveInput) => {
      hashes += 1;
      return argon2id(input);
    };
    const node = makeNode({ clock, store: broken, derive, seed: 2 });
    assert.equal((await outcomeOf(node.users.authenticate(login))).code, "temporarily_unavailable");
    assert.equal(hashes, 0);
  });
});
