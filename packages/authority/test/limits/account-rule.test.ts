import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type AccountPolicy,
  type AccountState,
  clearAtAccount,
  countAtAccount,
  endDelays,
  type Origin,
} from "../../src/limits/account-rule.ts";

const policy: AccountPolicy = {
  attempts: 5,
  maxDelayMs: 900_000,
  strangers: { burst: 50, everyMs: 72_000 },
};
const at = (narrow: string, wide?: string): Origin => ({
  narrow,
  ...(wide === undefined ? {} : { wide }),
  isLoopback: narrow === "loopback",
});

/** An account and a clock, and how many of some attempts are let through. */
function anAccount() {
  let state: AccountState | undefined;
  let now = 1_900_000_000_000;
  const attempt = (origin: Origin) => {
    const decision = countAtAccount(state, now, { origin, policy });
    if (decision.allowed) state = decision.state;
    return decision.allowed;
  };
  return {
    attempt,
    passed: (count: number, originOf: (n: number) => Origin) =>
      Array.from({ length: count }, (_, n) => attempt(originOf(n))).filter(Boolean).length,
    succeed(origin: Origin) {
      ({ state } = clearAtAccount(state, now, { origin, policy }));
    },
    forgive() {
      if (state !== undefined) ({ state } = endDelays(state, now, policy));
    },
    wait: (ms: number) => {
      now += ms;
    },
    size: () => JSON.stringify(state ?? {}).length,
    state: () => state,
  };
}

describe("countAtAccount", () => {
  it("E5 delays each block of addresses by its own attempts alone", () => {
    const { passed } = anAccount();
    assert.equal(
      passed(20, () => at("a")),
      5,
    );
    assert.equal(
      passed(20, () => at("b")),
      5,
    );
  });

  it("E4 gives a /48 ten free attempts, whichever of its /64 they come from", () => {
    const { passed } = anAccount();
    assert.equal(
      passed(1000, (n) => at(`x${n}`, "site")),
      10,
    );
    assert.equal(
      passed(5, () => at("elsewhere", "another site")),
      5,
    );
  });

  it("E4 lets 50 attempts of strangers through at once, and as many an hour after that", () => {
    const { passed, wait } = anAccount();
    assert.equal(
      passed(1000, (n) => at(`a${n}`)),
      50,
    );
    wait(3_600_000);
    assert.equal(
      passed(1000, (n) => at(`b${n}`)),
      50,
    );
    wait(72_000);
    assert.equal(
      passed(1000, (n) => at(`c${n}`)),
      1,
    );
  });

  it("E5 lets a block that was right before, and this machine, in while strangers have used up theirs", () => {
    const { passed, succeed } = anAccount();
    succeed(at("home"));
    assert.equal(
      passed(1000, (n) => at(`a${n}`)),
      50,
    );
    assert.equal(
      passed(1, () => at("elsewhere")),
      0,
    );
    assert.equal(
      passed(20, () => at("home")),
      5,
    );
    assert.equal(
      passed(20, () => at("loopback")),
      5,
    );
  });

  it("E5 does not delay a block that was right before for what its neighbours in the /48 do", () => {
    const { passed, succeed } = anAccount();
    succeed(at("home", "site"));
    assert.equal(
      passed(1000, (n) => at(`x${n}`, "site")),
      10,
    );
    assert.equal(
      passed(1, () => at("new", "site")),
      0,
    );
    assert.equal(
      passed(5, () => at("home", "site")),
      5,
    );
  });

  it("E5 knows a block for 90 days, and the latest 16 of them", () => {
    const { passed, succeed, wait } = anAccount();
    for (let n = 0; n < 17; n++) succeed(at(`home${n}`));
    passed(1000, (n) => at(`a${n}`));
    assert.equal(
      passed(1, () => at("home0")),
      0,
    );
    assert.equal(
      passed(1, () => at("home1")),
      1,
    );
    wait(90 * 86_400_000 - 1);
    passed(1000, (n) => at(`b${n}`));
    assert.equal(
      passed(1, () => at("home2")),
      1,
    );
    wait(1);
    assert.equal(
      passed(1, () => at("home3")),
      0,
    );
  });

  it("stays small, however many blocks try for however long", () => {
    const { passed, wait, size } = anAccount();
    let most = 0;
    for (let hour = 0; hour < 200; hour++) {
      for (let turn = 0; turn < 50; turn++) {
        passed(2, (n) => at(`sixteen bytes ${hour} ${turn} ${n}`, `site ${hour} ${turn} ${n}`));
        wait(72_000);
      }
      most = Math.max(most, size());
    }
    assert.ok(most < 16_384, `${most} characters`);
  });

  it("forgets attempts of which a clock wrote that has been put back since", () => {
    const { attempt, passed, wait, state } = anAccount();
    wait(365 * 86_400_000);
    for (let n = 0; n < 200; n++) attempt(at(`a${n}`));
    wait(-365 * 86_400_000);
    assert.equal(
      passed(20, () => at("b")),
      5,
    );
    assert.equal(state()?.blocks.length, 1);
  });
});

describe("clearAtAccount", () => {
  it("forgets the attempts of the block, and gives one back to the site and to the strangers", () => {
    const { passed, succeed } = anAccount();
    for (let n = 0; n < 200; n++) {
      assert.equal(
        passed(1, () => at(`x${n}`, "site")),
        1,
        `login ${n}`,
      );
      succeed(at(`x${n}`, "site"));
    }
    assert.equal(
      passed(100, (n) => at(`y${n}`, "site")),
      10,
    );
    assert.equal(
      passed(1000, (n) => at(`z${n}`)),
      40,
    );
  });

  it("E5 leaves the attempts of other blocks as they are", () => {
    const { passed, succeed } = anAccount();
    passed(20, () => at("attacker"));
    passed(1, () => at("home"));
    succeed(at("home"));
    assert.equal(
      passed(1, () => at("attacker")),
      0,
    );
    passed(4, () => at("home"));
    succeed(at("home"));
    assert.equal(
      passed(20, () => at("home")),
      5,
    );
  });
});

describe("endDelays", () => {
  it("ends all delays, and keeps the blocks that are known", () => {
    const { passed, succeed, forgive } = anAccount();
    succeed(at("home"));
    passed(1000, (n) => at(`a${n}`));
    forgive();
    assert.equal(
      passed(1000, (n) => at(`a${n}`)),
      50,
    );
    assert.equal(
      passed(1, () => at("home")),
      1,
    );
  });
});

describe("clearAtAccount", () => {
  const now = 1_900_000_000_000;
  const until = now + 1_000_000;
  const trusted: AccountState = {
    arrivalAt: now + 100_000,
    blocks: [["site", 4, now]],
    known: [
      ["home", until],
      ["office", until],
    ],
  };

  it("gives a site and the strangers back nothing that a known block did not take", () => {
    const { state } = clearAtAccount(trusted, now, { origin: at("home", "site"), policy });
    assert.deepEqual(state.blocks, trusted.blocks);
    assert.equal(state.arrivalAt, trusted.arrivalAt);
  });

  it("knows a block once, however often the right password comes from it", () => {
    const { state } = clearAtAccount(trusted, now, { origin: at("home", "site"), policy });
    assert.deepEqual(
      state.known.map(([id]) => id),
      ["office", "home"],
    );
  });

  it("drops what has no effect any more", () => {
    const past = { ...trusted, arrivalAt: now, known: [["home", now]] } as const;
    const { state } = clearAtAccount(past, now, { origin: at("loopback"), policy });
    assert.deepEqual([state.arrivalAt, state.known], [undefined, []]);
  });
});
