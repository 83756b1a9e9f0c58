import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "@countersign/protocol";
import { seededRandom } from "@countersign/protocol/testing";
import { parseConfig } from "../../src/config.ts";
import { createPasswordHasher } from "../../src/limits/passwords.ts";
import { aRegistration, makeNode, type Node } from "../users/world.ts";

const skip =
  process.env.COUNTERSIGN_LONG_TESTS !== "1" && "takes minutes and a quiet machine: set COUNTERSIGN_LONG_TESTS=1";
const samples = 2000;
const owasp = { memoryKib: 19_456, passes: 2, lanes: 1 };

interface Pair {
  readonly id: string;
  readonly prepare: (node: Node) => Promise<unknown>;
  /** How far the medians may be apart, as part of a hash's time. */
  readonly atMost: number;
  /** Whether not even 2,000 samples of each may tell them apart. */
  readonly isEqual: boolean;
}

/** Pairs of attempts whose times must not tell them apart. */
const pairs: readonly Pair[] = [
  {
    id: "a known and an unknown user",
    prepare: ({ users }) => users.register(aRegistration(), "test"),
    atMost: 0.02,
    isEqual: true,
  },
  {
    id: "a user with a hash of half the passes and an unknown user",
    prepare: ({ store, clock }) =>
      makeNode({ store, clock, cost: { ...owasp, passes: 1 } }).users.register(aRegistration(), "test"),
    atMost: 0.05,
    isEqual: false,
  },
];

describe("UserService.authenticate", { skip }, () => {
  for (const { id, prepare, atMost, isEqual } of pairs) {
    it(`E2 takes as long for ${id}: medians within ${atMost * 100} %`, async (context) => {
      const node = makeNode({ cost: owasp });
      await prepare(node);
      const times = { alice: [] as number[], nobody: [] as number[] };
      const names = ["alice", "nobody"] as const;
      for (let round = 0; round < samples + 20; round++) {
        for (const username of round % 2 === 0 ? names : names.toReversed()) {
          const ms = await timeOf(node, username);
          if (round >= 20) times[username].push(ms);
        }
      }
      const hashMs = await timeOfHash();
      const difference = Math.abs(median(times.alice) - median(times.nobody));
      const p = mannWhitney(times.alice, times.nobody);
      context.diagnostic(
        `median difference ${difference.toFixed(3)} ms of ${hashMs.toFixed(1)} ms, p = ${p.toFixed(3)}`,
      );
      assert.ok(difference < atMost * hashMs, `the medians differ by ${difference} ms`);
      if (isEqual) assert.ok(p > 0.01, `p = ${p}`);
    });
  }
});

/** The time of one wrong attempt; the counter is cleared outside it. */
async function timeOf({ users, limits }: Node, username: string): Promise<number> {
  const startedAt = systemClock.monotonic();
  await assert.rejects(users.authenticate({ username, password: "wrong password", clientId: "app" }));
  const ms = systemClock.monotonic() - startedAt;
  await limits.clearLogin(username);
  return ms;
}

async function timeOfHash(): Promise<number> {
  const config = parseConfig({ issuer: "http://localhost:8080" });
  const hasher = createPasswordHasher({ clock: systemClock, random: seededRandom(1), config });
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const startedAt = systemClock.monotonic();
    await hasher.hash("correct horse battery");
    times.push(systemClock.monotonic() - startedAt);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Two-sided p of the Mann-Whitney U test, by its normal approximation: good for samples of this size. */
function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const ranked = [...a.map((value) => ({ value, isA: true })), ...b.map((value) => ({ value, isA: false }))];
  ranked.sort((x, y) => x.value - y.value);
  const rankSum = ranked.reduce((sum, { isA }, index) => (isA ? sum + index + 1 : sum), 0);
  const u = rankSum - (a.length * (a.length + 1)) / 2;
  const mean = (a.length * b.length) / 2;
  const deviation = Math.sqrt((a.length * b.length * (a.length + b.length + 1)) / 12);
  return 2 * normalTail(Math.abs(u - mean) / deviation);
}

/** Upper tail of the standard normal distribution (Abramowitz and Stegun 26.2.17). */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (series * Math.exp(-(z * z) / 2)) / Math.sqrt(2 * Math.PI);
}
