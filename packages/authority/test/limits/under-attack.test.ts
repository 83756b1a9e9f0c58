import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CountersignError } from "@countersign/protocol";
import { FakeClock } from "@countersign/protocol/testing";
import { parseConfig } from "../../src/config.ts";
import { createLimits } from "../../src/limits/attempt-limits.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { testAuthority } from "../../src/testing.ts";

type AddressOf = (second: number) => string;

/** Who tries from where, for how long: the table of docs/login-limits.md. */
interface Scene {
  readonly id: string;
  readonly hours: number;
  /** One wrong password a second. */
  readonly attacker: AddressOf;
  /** One right password every ten minutes. */
  readonly owner: AddressOf;
  /** Where the owner logged in before. */
  readonly before?: string;
  /** Which part of the owner's right passwords is accepted. */
  readonly accepted: "all" | "few";
  /** The most wrong passwords that may be judged. */
  readonly guesses: number;
}

const one: AddressOf = () => "192.0.2.1";
const slash64: AddressOf = (second) => `2001:db8:0:1::${(second % 65_536).toString(16)}`;
const slash48: AddressOf = (second) => `2001:db8:0:${(second % 65_536).toString(16)}::1`;
const many: AddressOf = (second) => `198.18.${Math.floor(second / 250) % 4}.${second % 250}`;
const newEachTime: AddressOf = (second) => `203.0.113.${Math.floor(second / 600)}`;
const home: AddressOf = () => "203.0.113.1";
const loopback: AddressOf = (second) => (second % 1200 === 0 ? "::1" : "127.0.0.1");

/** Five at once, then after 1, 2, 4 … 512 s, then every 900 s. */
const ofOneBlock = (hours: number) => 5 + 10 + 4 * hours;

const scenes: readonly Scene[] = [
  {
    id: "one address, owner elsewhere",
    hours: 8,
    attacker: one,
    owner: newEachTime,
    accepted: "all",
    guesses: ofOneBlock(8),
  },
  {
    id: "a /64, owner elsewhere",
    hours: 8,
    attacker: slash64,
    owner: newEachTime,
    accepted: "all",
    guesses: ofOneBlock(8),
  },
  {
    id: "a /48, owner elsewhere",
    hours: 8,
    attacker: slash48,
    owner: newEachTime,
    accepted: "all",
    guesses: 5 + ofOneBlock(8),
  },
  {
    id: "a thousand addresses, owner where he was before",
    hours: 4,
    attacker: many,
    owner: home,
    before: home(0),
    accepted: "all",
    guesses: 50 + 50 * 4,
  },
  {
    id: "a thousand addresses, owner at a new place",
    hours: 4,
    attacker: many,
    owner: newEachTime,
    accepted: "few",
    guesses: 50 + 50 * 4,
  },
  {
    id: "a thousand addresses, administrator on this machine",
    hours: 4,
    attacker: many,
    owner: loopback,
    accepted: "all",
    guesses: 50 + 50 * 4,
  },
  {
    id: "one address, administrator on this machine",
    hours: 4,
    attacker: one,
    owner: loopback,
    accepted: "all",
    guesses: ofOneBlock(4),
  },
  {
    id: "this machine, administrator elsewhere",
    hours: 4,
    attacker: loopback,
    owner: newEachTime,
    accepted: "all",
    guesses: ofOneBlock(4),
  },
  {
    id: "the owner's own address",
    hours: 4,
    attacker: home,
    owner: home,
    before: home(0),
    accepted: "few",
    guesses: ofOneBlock(4),
  },
];

function aWorld() {
  const clock = new FakeClock();
  const config = parseConfig({ issuer: "http://localhost:8080" });
  const limits = createLimits({ store: createMemoryStore({ clock }), clock, config });
  /** Whether an attempt is judged: a right password is then accepted. */
  const attempt = async (username: string, address: string): Promise<boolean> => {
    try {
      return await limits.countLogin({ username, address });
    } catch (error) {
      assert.ok(error instanceof CountersignError && error.code === "too_many_requests", String(error));
      return false;
    }
  };
  const login = async (username: string, address: string): Promise<boolean> => {
    const accepted = await attempt(username, address);
    if (accepted) await limits.loginSucceeded({ username, address });
    return accepted;
  };
  return { clock, attempt, login };
}

describe("an account under attack, at one wrong password a second", () => {
  for (const { id, hours, attacker, owner, before, accepted, guesses } of scenes) {
    it(`E5 from ${id}: ${accepted} right passwords are accepted, no more than ${guesses} wrong ones judged`, async () => {
      const { clock, attempt, login } = aWorld();
      if (before !== undefined) assert.ok(await login("alice", before));
      const tally = { judged: 0, accepted: 0, tried: 0 };
      for (let second = 0; second < hours * 3600; second++) {
        if (await attempt("alice", attacker(second))) tally.judged += 1;
        if (second % 600 === 300) {
          tally.tried += 1;
          if (await login("alice", owner(second))) tally.accepted += 1;
        }
        clock.jump(1000);
      }
      assert.ok(tally.judged <= guesses, `${tally.judged} guesses were judged`);
      if (accepted === "all") assert.equal(tally.accepted, tally.tried);
      else assert.ok(tally.accepted < tally.tried / 2, `${tally.accepted} of ${tally.tried}`);
    });
  }

  it("E5 an owner at the attacker's own address gets in within the longest delay once the attacker rests", async () => {
    const { clock, attempt, login } = aWorld();
    for (let second = 0; second < 6 * 3600; second++) {
      await attempt("alice", home(second));
      clock.jump(1000);
    }
    let waited = 0;
    for (; !(await login("alice", home(0))); waited += 1) clock.jump(1000);
    assert.ok(waited <= 900, `${waited} s`);
  });

  it("E5 a device that holds a refresh token goes on, even at the attacker's own address", async () => {
    const authority = await testAuthority();
    const connection = { address: "192.0.2.1" };
    const { services } = authority;
    const password = "correct horse battery";
    await services.users.register(
      { username: "alice", password, fullName: "Alice", scopes: ["offline_access"] },
      "test",
    );
    const { client } = await authority.client({
      grants: ["password", "refresh_token"],
      scopes: ["offline_access"],
      authMethod: "none",
    });
    const ask = (fields: Readonly<Record<string, string>>) =>
      authority.form("/oauth/token", { client_id: client.clientId, ...fields }, { connection });
    const byPassword = { grant_type: "password", username: "alice", password, scope: "offline_access" };
    const { refresh_token } = (await ask(byPassword)).body;
    for (let n = 0; n < 20; n++) await services.limits.countLogin({ username: "alice", address: connection.address });
    assert.equal((await ask(byPassword)).status, 400);
    assert.equal((await ask({ grant_type: "refresh_token", refresh_token: String(refresh_token) })).status, 200);
    await authority.close();
  });

  it("E4 right logins use up nothing: a thousand of them from one address within a minute", async () => {
    const { login } = aWorld();
    for (let n = 0; n < 1000; n++) assert.ok(await login(`user${n}`, "192.0.2.1"), `login ${n}`);
    for (let n = 0; n < 1000; n++) assert.ok(await login("alice", "2001:db8::1"), `login ${n}`);
  });

  it("E4 a /48 has four budgets of an address, not 65,536, and one /64 cannot use them all up", async () => {
    const { attempt } = aWorld();
    const passed = async (count: number, addressOf: AddressOf) => {
      let sum = 0;
      for (let n = 0; n < count; n++) if (await attempt(`user${n}`, addressOf(n))) sum += 1;
      return sum;
    };
    assert.equal(await passed(10_000, slash64), 60);
    assert.equal(await passed(10_000, slash48), 180);
    assert.equal(await passed(1000, () => "2001:db8:1::1"), 60);
  });
});
