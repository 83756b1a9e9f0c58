import assert from "node:assert/strict";
import { argon2Sync } from "node:crypto";
import { describe, it } from "node:test";
import { FakeClock, seededRandom } from "@countersign/protocol/testing";
import { argon2id, createPasswordHasher, type Derive, type DeriveInput, workOf } from "../../src/limits/passwords.ts";
import { type PasswordCost, parsePhc } from "../../src/limits/phc.ts";

const owasp = { memoryKib: 19_456, passes: 2, lanes: 1 };

function makeHasher(options: { cost?: PasswordCost; derive?: Derive; parallel?: number; queueMs?: number } = {}) {
  const { parallel = 2, queueMs = 500, ...rest } = options;
  const config = { limits: { password_parallel: parallel, password_queue_ms: queueMs } };
  return createPasswordHasher({ clock: new FakeClock(), random: seededRandom(7), config, ...rest });
}

/** Argon2id itself, which also notes what it was asked for. */
function countedDerive() {
  const inputs: DeriveInput[] = [];
  let running = 0;
  const peak = { parallel: 0, memoryKib: 0 };
  const derive: Derive = async (input) => {
    inputs.push(input);
    running += 1;
    peak.parallel = Math.max(peak.parallel, running);
    peak.memoryKib = Math.max(peak.memoryKib, running * input.cost.memoryKib);
    await new Promise(setImmediate);
    const tag = await argon2id(input);
    running -= 1;
    return tag;
  };
  const work = () => inputs.splice(0).reduce((sum, { cost }) => sum + workOf(cost), 0);
  return { inputs, derive, peak, work };
}

describe("createPasswordHasher", () => {
  it("hashes with argon2id at the OWASP minimum under a salt of its own each time", async () => {
    const hasher = makeHasher();
    const [one, two] = await Promise.all([hasher.hash("correct horse"), hasher.hash("correct horse")]);
    const parsed = parsePhc(one);
    assert.deepEqual(parsed?.cost, owasp);
    assert.deepEqual([parsed?.salt.length, parsed?.tag.length], [16, 32]);
    assert.notEqual(one, two);
    assert.deepEqual(
      Buffer.from(parsed?.tag ?? []),
      argon2Sync("argon2id", {
        message: "correct horse",
        nonce: parsed?.salt ?? Buffer.alloc(8),
        parallelism: 1,
        tagLength: 32,
        memory: 19_456,
        passes: 2,
      }),
    );
  });

  it("verifies the right password only", async () => {
    const hasher = makeHasher();
    const phc = await hasher.hash("correct horse");
    assert.equal(await hasher.verify("correct horse", phc), true);
    for (const wrong of ["correct horsf", "Correct horse", "correct horse ", ""]) {
      assert.equal(await hasher.verify(wrong, phc), false, wrong);
    }
  });

  it("verifies nothing without a hash or against one it cannot read", async () => {
    const hasher = makeHasher({ cost: { memoryKib: 8, passes: 1, lanes: 1 } });
    const phc = await hasher.hash("correct horse");
    for (const none of [undefined, "", "correct horse", phc.replace("argon2id", "argon2i")]) {
      assert.equal(await hasher.verify("correct horse", none), false);
    }
  });

  const costs: readonly { readonly id: string; readonly cost: PasswordCost }[] = [
    { id: "today's", cost: { memoryKib: 512, passes: 2, lanes: 1 } },
    { id: "half the passes", cost: { memoryKib: 512, passes: 1, lanes: 1 } },
    { id: "half the memory", cost: { memoryKib: 256, passes: 2, lanes: 1 } },
    { id: "an eighth of the memory and half the passes", cost: { memoryKib: 64, passes: 1, lanes: 1 } },
  ];
  for (const { id, cost } of costs) {
    it(`E2 computes as much for a hash of ${id} cost as for none, right or wrong`, async () => {
      const old = await makeHasher({ cost }).hash("correct horse");
      const { derive, work } = countedDerive();
      const hasher = makeHasher({ cost: { memoryKib: 512, passes: 2, lanes: 1 }, derive });
      await hasher.verify("correct horse", undefined);
      const dummy = work();
      for (const [password, isRight] of [
        ["correct horse", true],
        ["wrong", false],
      ] as const) {
        assert.equal(await hasher.verify(password, old), isRight);
        assert.ok(Math.abs(work() / dummy - 1) < 0.005);
      }
    });
  }

  it("calls a hash outdated that was made at another cost, or cannot be read", async () => {
    const today = makeHasher({ cost: { memoryKib: 64, passes: 2, lanes: 1 } });
    assert.equal(today.isOutdated(await today.hash("correct horse")), false);
    for (const cost of [
      { memoryKib: 64, passes: 1, lanes: 1 },
      { memoryKib: 32, passes: 2, lanes: 1 },
      { memoryKib: 64, passes: 2, lanes: 2 },
    ]) {
      assert.equal(today.isOutdated(await makeHasher({ cost }).hash("correct horse")), true);
    }
    assert.equal(today.isOutdated("unreadable"), true);
  });

  it("E6 computes no more hashes at once than it has slots, so memory has a bound", async () => {
    const { derive, peak } = countedDerive();
    const hasher = makeHasher({ cost: { memoryKib: 64, passes: 1, lanes: 1 }, derive, parallel: 3 });
    await Promise.all(Array.from({ length: 200 }, () => hasher.verify("correct horse", undefined)));
    assert.deepEqual(peak, { parallel: 3, memoryKib: 192 });
  });

  it("frees its slot when a computation fails", async () => {
    const hasher = makeHasher({ parallel: 1, derive: () => Promise.reject(new Error("out of memory")) });
    await assert.rejects(hasher.hash("correct horse"), /out of memory/);
    await assert.rejects(hasher.hash("correct horse"), /out of memory/);
  });
});
