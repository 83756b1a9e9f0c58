import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { admit, MAX_KEYS_OF_ALGORITHM, type Plan, rotateNow, timetable, withdraw } from "../../src/keys/rotation.ts";
import {
  activeKey,
  erasesAt,
  type KeyTimes,
  leadMs,
  type RotationPolicy,
  scheduleOf,
  stateOf,
} from "../../src/keys/schedule.ts";
import { day, hour } from "./harness.ts";

const minute = 60_000;

const usualPolicy: RotationPolicy = {
  rotateEveryMs: 30 * day,
  publishBeforeMs: day,
  jwksMaxAgeMs: 15 * minute,
  maxTokenMs: day,
  clockSkewMs: minute,
  staleMs: 3 * minute,
};

const anyPolicy: fc.Arbitrary<RotationPolicy> = fc.record({
  rotateEveryMs: fc.integer({ min: minute, max: 60 * day }),
  publishBeforeMs: fc.integer({ min: 0, max: 2 * day }),
  jwksMaxAgeMs: fc.integer({ min: 0, max: day }),
  maxTokenMs: fc.integer({ min: 10_000, max: day }),
  clockSkewMs: fc.integer({ min: 0, max: minute }),
  staleMs: fc.integer({ min: minute, max: 5 * minute }),
});

let serial = 0;

function fill(plan: Plan<KeyTimes>): readonly KeyTimes[] {
  return [...plan.keep, ...plan.make.map((slot) => ({ ...slot, kid: `key-${serial++}` }))];
}

/** A stretch of time in which the nodes run, what somebody commands meanwhile, and the outage before it. */
interface Stretch {
  readonly outageMs: number;
  readonly upMs: number;
  /** How late the nodes look at the timetable. */
  readonly lateness: number;
  readonly command: "none" | "rotate" | "admit";
  readonly commandAt: number;
}

const anyStretch: fc.Arbitrary<Stretch> = fc.record({
  outageMs: fc.oneof(fc.integer({ min: 0, max: hour }), fc.integer({ min: 0, max: 120 * day })),
  upMs: fc.oneof(fc.integer({ min: minute, max: 3 * day }), fc.integer({ min: day, max: 100 * day })),
  lateness: fc.double({ min: 0, max: 1, noNaN: true }),
  command: fc.constantFrom("none", "rotate", "admit"),
  commandAt: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** What the ring was, from when on, and when nodes ran. */
interface History {
  readonly versions: { readonly at: number; readonly keys: readonly KeyTimes[] }[];
  readonly up: { readonly from: number; readonly to: number }[];
}

const start = 1_000 * day;

/** Short lives make long histories; this much of one is enough to judge. */
const maxVersions = 30;

function live(policy: RotationPolicy, stretches: readonly Stretch[]): History {
  const history: History = { versions: [], up: [] };
  let now = start;
  let keys: readonly KeyTimes[] = [];
  const write = (at: number, next: readonly KeyTimes[]) => {
    keys = fill(timetable(next, at, policy, ["ES256"]));
    history.versions.push({ at, keys });
  };
  for (const stretch of stretches) {
    const from = now + stretch.outageMs;
    let to = from + stretch.upMs;
    let commandAt =
      stretch.command === "none" ? Number.POSITIVE_INFINITY : from + Math.floor(stretch.commandAt * stretch.upMs);
    now = from;
    write(now, keys);
    for (;;) {
      const due = nextDue(keys, now, policy) + Math.floor(stretch.lateness * policy.staleMs);
      const next = Math.min(due, commandAt);
      if (next > to) break;
      if (history.versions.length >= maxVersions) {
        to = now;
        break;
      }
      now = next;
      if (next === commandAt) {
        const command = stretch.command === "rotate" ? rotateNow : admit;
        commandAt = Number.POSITIVE_INFINITY;
        write(now, fill(command(keys, "ES256", now, { ...policy, immediately: false })));
      } else write(now, keys);
    }
    now = to;
    history.up.push({ from, to });
  }
  return history;
}

/** The next instant at which the timetable has something to do. */
function nextDue(keys: readonly KeyTimes[], now: number, policy: RotationPolicy): number {
  const line = scheduleOf(keys, "ES256");
  const last = line.at(-1);
  if (last !== undefined && last.activeAt <= now && last.retiresAt - leadMs(policy) <= now) return now;
  const instants = [...line.map((key) => erasesAt(key, policy)), (line.at(-1)?.retiresAt ?? 0) - leadMs(policy)];
  return Math.min(
    ...line
      .map((key) => key.activeAt)
      .concat(instants)
      .filter((instant) => instant > now),
  );
}

/** The ring as a node sees it that read it up to `staleMs` ago, but not before the node started. */
function seen(history: History, at: number, ageMs: number): readonly KeyTimes[] {
  const from = history.up.findLast((stretch) => stretch.from <= at)?.from ?? at;
  const readAt = Math.max(from, at - ageMs);
  return history.versions.findLast((version) => version.at <= readAt)?.keys ?? [];
}

function isUp(history: History, at: number): boolean {
  return history.up.some(({ from, to }) => from <= at && at <= to);
}

/** Instants worth a look: around every change and every window's edge. */
function instantsOf({ versions, up }: History): number[] {
  const edges = versions.flatMap(({ at, keys }) => [at, ...keys.flatMap((key) => [key.activeAt, key.retiresAt])]);
  const instants = [...edges, ...up.flatMap(({ from, to }) => [from, to])].flatMap((edge) => [
    edge - 1,
    edge,
    edge + 1,
  ]);
  return [...new Set(instants)];
}

describe("timetable", () => {
  it("makes a first key that signs at once", () => {
    const [key, ...more] = fill(timetable([], start, usualPolicy, ["ES256"]));
    assert.deepEqual(more, []);
    assert.equal(key?.publishedAt, start);
    assert.equal(key?.activeAt, start);
  });

  it("gives each algorithm a line of its own", () => {
    const first = fill(timetable([], start, usualPolicy, ["ES256"]));
    const second = fill(timetable(first, start + day, usualPolicy, ["RS256"]));
    assert.equal(second[0], first[0]);
    assert.deepEqual(
      second.map((key) => [key.algorithm, key.activeAt]),
      [
        ["ES256", start],
        // A cache may hold the set of before for its max-age, a node for as long as it may be behind.
        ["RS256", start + day + 19 * minute],
      ],
    );
  });

  it("changes nothing when nothing is due", () => {
    const keys = fill(timetable([], start, usualPolicy, ["ES256"]));
    const plan = timetable(keys, start + 20 * day, usualPolicy);
    assert.deepEqual(plan.make, []);
    assert.equal(plan.keep[0], keys[0]);
  });

  it("lets every token verify with every set that a cache can hold, whatever the policy and whoever sleeps (F2)", () => {
    let judged = 0;
    fc.assert(
      fc.property(anyPolicy, fc.array(anyStretch, { minLength: 1, maxLength: 4 }), (policy, stretches) => {
        const history = live(policy, stretches);
        const instants = instantsOf(history);
        for (const signedAt of instants.filter((instant) => isUp(history, instant))) {
          for (const signerAge of [0, policy.staleMs]) {
            const signing = activeKey(scheduleOf(seen(history, signedAt, signerAge), "ES256"), signedAt);
            if (signing === undefined) continue;
            const from = signedAt - policy.jwksMaxAgeMs;
            const to = signedAt + policy.maxTokenMs + policy.clockSkewMs;
            const fetches = [from, to, ...instants.filter((instant) => from < instant && instant < to)];
            for (const fetchedAt of fetches.filter((instant) => isUp(history, instant))) {
              for (const publisherAge of [0, policy.staleMs]) {
                const published = seen(history, fetchedAt, publisherAge).map((key) => key.kid);
                assert.ok(
                  published.includes(signing.kid),
                  `${signing.kid} signed at ${signedAt - start}, not in the set fetched at ${fetchedAt - start}`,
                );
                judged++;
              }
            }
          }
        }
      }),
      { numRuns: 150 },
    );
    assert.ok(judged > 10_000, `judged ${judged}`);
  });

  it("has exactly one active key at every instant at which a node runs, and that key is published (F3, A47)", () => {
    fc.assert(
      fc.property(anyPolicy, fc.array(anyStretch, { minLength: 1, maxLength: 4 }), (policy, stretches) => {
        const history = live(policy, stretches);
        for (const now of instantsOf(history).filter((instant) => isUp(history, instant))) {
          const line = scheduleOf(seen(history, now, 0), "ES256");
          const active = line.filter((key) => stateOf(key, line, now, policy) === "active");
          assert.equal(active.length, 1);
          assert.ok(active.every((key) => key.publishedAt <= now && now < key.retiresAt));
        }
      }),
      { numRuns: 150 },
    );
  });

  it("publishes a successor for at least publishBeforeMs, and for longer than caches and nodes may be behind", () => {
    fc.assert(
      fc.property(anyPolicy, fc.array(anyStretch, { minLength: 1, maxLength: 4 }), (policy, stretches) => {
        for (const { keys } of live(policy, stretches).versions) {
          for (const key of keys.filter((other) => other.publishedAt !== other.activeAt)) {
            assert.ok(key.activeAt - key.publishedAt >= policy.publishBeforeMs);
            assert.ok(key.activeAt - key.publishedAt >= policy.jwksMaxAgeMs + policy.staleMs + policy.clockSkewMs);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it("keeps a bounded number of keys, however short their life", () => {
    const policy = { ...usualPolicy, rotateEveryMs: minute, publishBeforeMs: 0, jwksMaxAgeMs: 0 };
    let keys: readonly KeyTimes[] = [];
    const sizes = Array.from({ length: 3 * 24 * 60 }, (_, minutes) => {
      keys = fill(timetable(keys, start + minutes * minute, policy, ["ES256"]));
      return keys.length;
    });
    assert.equal(Math.max(...sizes), MAX_KEYS_OF_ALGORITHM);
  });

  it("leaves the keys as they are while it waits for the oldest to go", () => {
    const policy = { ...usualPolicy, rotateEveryMs: minute, publishBeforeMs: 0, jwksMaxAgeMs: 0 };
    let keys: readonly KeyTimes[] = [];
    let now = start;
    for (; keys.length < MAX_KEYS_OF_ALGORITHM; now += minute) keys = fill(timetable(keys, now, policy, ["ES256"]));
    const late = Math.max(...keys.map((key) => key.retiresAt));
    const waiting = timetable(keys, late, policy).keep;
    const still = timetable(waiting, late, policy);
    assert.ok(still.keep.every((key, place) => key === waiting[place]));
    assert.deepEqual(still.make, []);
  });

  it("announces one successor, also when keys are to be published for longer than it will sign", () => {
    const short = { ...usualPolicy, rotateEveryMs: 2 * day };
    const keys = fill(timetable(fill(timetable([], start, short, ["ES256"])), start + day, short));
    assert.equal(keys.length, 2);
    const long = { ...short, publishBeforeMs: 10 * day };
    assert.deepEqual(timetable(keys, start + day + hour, long), { keep: keys, make: [] });
  });

  it("signs with the oldest key when the clock was put back before its window", () => {
    const keys = fill(timetable([], start, usualPolicy, ["ES256"]));
    const earlier = start - day;
    assert.equal(activeKey(scheduleOf(keys, "ES256"), earlier), keys[0]);
    assert.deepEqual(timetable(keys, earlier, usualPolicy), { keep: keys, make: [] });
  });

  it("goes on with the last key when nobody announced a successor, and starts anew when even that is gone", () => {
    const keys = fill(timetable([], start, usualPolicy, ["ES256"]));
    const late = start + 30 * day + hour;
    const resumed = fill(timetable(keys, late, usualPolicy));
    assert.deepEqual(
      resumed.map((key) => stateOf(key, resumed, late, usualPolicy)),
      ["active", "next"],
    );
    assert.equal(resumed[1]?.activeAt, late + leadMs(usualPolicy));

    const tooLate = start + 33 * day;
    const anew = fill(timetable(keys, tooLate, usualPolicy));
    assert.deepEqual(
      anew.map((key) => stateOf(key, anew, tooLate, usualPolicy)),
      ["active"],
    );
    assert.notEqual(anew[0]?.kid, keys[0]?.kid);
  });
});

describe("rotateNow", () => {
  const first = fill(timetable([], start, usualPolicy, ["ES256"]));
  const now = start + 5 * day;

  it("announces a successor that signs as soon as it was published long enough", () => {
    const keys = fill(rotateNow(first, "ES256", now, { ...usualPolicy, immediately: false }));
    assert.deepEqual(
      keys.map((key) => stateOf(key, keys, now, usualPolicy)),
      ["active", "next"],
    );
    assert.equal(keys[0]?.retiresAt, now + day);
    assert.equal(keys[1]?.activeAt, now + day);
  });

  it("is the same done twice", () => {
    const keys = fill(rotateNow(first, "ES256", now, { ...usualPolicy, immediately: false }));
    const again = rotateNow(keys, "ES256", now + minute, { ...usualPolicy, immediately: false });
    assert.equal(again.keep, keys, "nothing is to be written");
    assert.deepEqual(again.make, []);
  });

  it("makes a successor of a key that signs before its window, as the clock was put back", () => {
    const earlier = start - day;
    const keys = fill(rotateNow(first, "ES256", earlier, { ...usualPolicy, immediately: true }));
    assert.equal(keys.length, 2);
    assert.equal(keys[1]?.activeAt, earlier);
    assert.ok(keys.some(({ kid }) => kid === first[0]?.kid));
  });

  it("brings an announced successor forward", () => {
    const announced = fill(timetable(first, start + 29 * day, usualPolicy));
    const policy = { ...usualPolicy, publishBeforeMs: hour, immediately: false };
    const keys = fill(rotateNow(announced, "ES256", start + 29 * day + 2 * hour, policy));
    assert.deepEqual(
      keys.map((key) => key.kid),
      announced.map((key) => key.kid),
    );
    assert.equal(keys[1]?.activeAt, start + 29 * day + 2 * hour);
  });

  it("signs with the new key at once when told to, and keeps the old one until its tokens are over", () => {
    const keys = fill(rotateNow(first, "ES256", now, { ...usualPolicy, immediately: true }));
    assert.deepEqual(
      keys.map((key) => stateOf(key, keys, now, usualPolicy)),
      ["retired", "active"],
    );
    const tokenEnd = now + usualPolicy.maxTokenMs + usualPolicy.clockSkewMs;
    assert.deepEqual(timetable(keys, tokenEnd, usualPolicy).keep, keys);
  });
});

describe("admit", () => {
  it("lets the first key of an empty ring sign at once: no verifier can hold an earlier set", () => {
    const [key] = fill(admit([], "ES256", start, { ...usualPolicy, immediately: false }));
    assert.equal(key?.activeAt, start);
  });
});

describe("withdraw", () => {
  const first = fill(timetable([], start, usualPolicy, ["ES256"]));
  const announcedAt = start + 29 * day;
  const pair = fill(timetable(first, announcedAt, usualPolicy));
  const kidOf = (keys: readonly KeyTimes[], place: number) => keys[place]?.kid ?? "";

  const rows = [
    { id: "the only key", keys: first, place: 0, expect: ["active"] },
    { id: "the signing key, with its successor announced", keys: pair, place: 0, expect: ["active"] },
    { id: "the announced key", keys: pair, place: 1, expect: ["active"] },
  ];
  for (const { id, keys, place, expect } of rows) {
    it(`leaves an active key and not the withdrawn one: ${id} (F6)`, () => {
      const after = fill(withdraw(keys, kidOf(keys, place), announcedAt, usualPolicy));
      assert.deepEqual(
        after.map((key) => stateOf(key, after, announcedAt, usualPolicy)),
        expect,
      );
      assert.ok(after.every((key) => key.kid !== kidOf(keys, place)));
    });
  }

  it("announces another where the first key of an algorithm was only announced, as an import does", () => {
    const joined = fill(timetable(first, announcedAt, usualPolicy, ["EdDSA"]));
    const later = announcedAt + minute;
    const policy = { ...usualPolicy, immediately: false };
    const plans = [
      withdraw(joined, kidOf(joined, joined.length - 1), later, usualPolicy),
      admit(joined, "EdDSA", later, policy),
    ];
    for (const plan of plans) {
      const line = scheduleOf(fill(plan), "EdDSA");
      assert.deepEqual(
        line.map((key) => [stateOf(key, line, later, usualPolicy), key.activeAt]),
        [["next", later + 19 * minute]],
      );
    }
  });

  it("changes nothing where there is no such key", () => {
    assert.deepEqual(withdraw(pair, "none", announcedAt, usualPolicy), { keep: pair, make: [] });
  });

  it("does not let a retired key sign again", () => {
    const rotated = fill(rotateNow(first, "ES256", announcedAt, { ...usualPolicy, immediately: true }));
    const after = fill(withdraw(rotated, kidOf(rotated, 1), announcedAt + hour, usualPolicy));
    assert.deepEqual(
      after.map((key) => stateOf(key, after, announcedAt + hour, usualPolicy)),
      ["retired", "active"],
    );
    assert.equal(after[0], rotated[0]);
  });
});
