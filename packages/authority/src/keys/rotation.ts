import type { RingAlgorithm } from "../store/records.ts";
import { algorithms, type KeySetName } from "./algorithms.ts";
import {
  activeKey,
  erasesAt,
  firstAnnounced,
  type KeyTimes,
  leadMs,
  minLeadMs,
  type RotationPolicy,
  scheduleOf,
  unexpired,
  windowMs,
} from "./schedule.ts";

/** A key that is to be made: its times, before it has a name. */
export type ScheduledKey = Omit<KeyTimes, "kid">;

/** The keys that stay, with their new times, and those to be made. */
export interface Plan<Key extends KeyTimes> {
  readonly keep: readonly Key[];
  readonly make: readonly ScheduledKey[];
}

/**
 * From so many keys of one algorithm on, the timetable waits for the oldest to go. Commands may double it, and even
 * then the published set keeps below the hundred keys that verifiers take.
 */
export const MAX_KEYS_OF_ALGORITHM = 12;

/**
 * The timetable of the key ring: from the keys as they are to the keys as they should be at `now`. Every algorithm in
 * use or in `demanded` has a schedule of its own. When nobody announced a successor in time, the last key goes on signing
 * until a successor has been published long enough. The keys of an empty set sign at once, as no verifier can hold an
 * earlier one, and so does the key of a schedule that ran out during an outage; the first key of an algorithm that joins
 * later is published until no cache lacks it.
 *
 * @example
 * ```ts
 * const plan = timetable([], clock.now(), policy, ["ES256"]);
 * plan.make; // one key, published and active now
 * ```
 */
export function timetable<Key extends KeyTimes>(
  keys: readonly Key[],
  now: number,
  policy: RotationPolicy,
  demanded: readonly RingAlgorithm[] = [],
): Plan<Key> {
  const inUse = new Set([...keys.map((key) => key.algorithm), ...demanded]);
  return join(
    [...inUse].map((algorithm) => {
      const schedule = scheduleOf(keys, algorithm);
      if (schedule.length === 0)
        return { keep: [], make: [scheduledKey(algorithm, now, firstAt(keys, algorithm, now, policy), policy)] };
      return planSchedule(schedule, algorithm, now, policy);
    }),
  );
}

/** When the first key of an algorithm signs. */
function firstAt(keys: readonly KeyTimes[], algorithm: RingAlgorithm, now: number, policy: RotationPolicy): number {
  const isPublished = keys.some((key) => placeOf(key.algorithm) === placeOf(algorithm));
  return isPublished ? now + minLeadMs(policy) : now;
}

/** Both JWK sets are published from the first key on, one of them without any; of the other sets nobody knew before. */
function placeOf(algorithm: RingAlgorithm): KeySetName {
  const { set } = algorithms[algorithm];
  return set === "pqc" ? "jwks" : set;
}

function planSchedule<Key extends KeyTimes>(
  schedule: readonly Key[],
  algorithm: RingAlgorithm,
  now: number,
  policy: RotationPolicy,
): Plan<Key> {
  const keep = unexpired(schedule, now, policy);
  const last = keep.at(-1);
  const oldest = keep[0];
  if (last === undefined || oldest === undefined) return { keep, make: [scheduledKey(algorithm, now, now, policy)] };
  if (announced(keep, now) !== undefined || now < last.retiresAt - leadMs(policy)) return { keep, make: [] };
  const earliest = Math.max(last.retiresAt, now + leadMs(policy));
  if (keep.length < MAX_KEYS_OF_ALGORITHM) {
    return { keep: retireLast(keep, earliest), make: [scheduledKey(algorithm, now, earliest, policy)] };
  }
  return { keep: retireLast(keep, Math.max(earliest, erasesAt(oldest, policy) + leadMs(policy))), make: [] };
}

/**
 * Rotation by command: the successor takes over as soon as it has been published long enough, or at once when
 * `immediately` is set. An announced successor is used; without one a key is made.
 */
export function rotateNow<Key extends KeyTimes>(
  keys: readonly Key[],
  algorithm: RingAlgorithm,
  now: number,
  policy: RotationPolicy & { readonly immediately: boolean },
): Plan<Key> {
  const schedule = scheduleOf(keys, algorithm);
  const next = announced(schedule, now);
  if (next === undefined) return admit(keys, algorithm, now, policy);
  const soonest = Math.min(next.activeAt, Math.max(now, next.publishedAt + leadMs(policy)));
  const activeAt = policy.immediately ? now : soonest;
  if (activeAt === next.activeAt) return { keep: keys, make: [] };
  const before = retireLast(without(schedule, next), activeAt);
  return { keep: [...others(keys, schedule), ...before, activeFrom(next, activeAt, policy)], make: [] };
}

/** Makes room for a new successor, a made or an imported one, in place of an announced one that never signed. */
export function admit<Key extends KeyTimes>(
  keys: readonly Key[],
  algorithm: RingAlgorithm,
  now: number,
  policy: RotationPolicy & { readonly immediately: boolean },
): Plan<Key> {
  const schedule = scheduleOf(keys, algorithm);
  const next = announced(schedule, now);
  const stay = without(schedule, next);
  const lead = stay.length === 0 ? minLeadMs(policy) : leadMs(policy);
  const activeAt = policy.immediately || keys.length === 0 ? now : now + lead;
  return {
    keep: [...others(keys, schedule), ...retireLast(stay, activeAt)],
    make: [scheduledKey(algorithm, now, activeAt, policy)],
  };
}

/**
 * Takes a key out at once. When it was the signing one, the announced successor or a new key signs from now on; when it
 * was the first of its algorithm and only announced, another is announced.
 */
export function withdraw<Key extends KeyTimes>(
  keys: readonly Key[],
  kid: string,
  now: number,
  policy: RotationPolicy,
): Plan<Key> {
  const gone = keys.find((key) => key.kid === kid);
  if (gone === undefined) return { keep: keys, make: [] };
  const keep = without(keys, gone);
  const stay = scheduleOf(keep, gone.algorithm);
  if (firstAnnounced(scheduleOf(keys, gone.algorithm), now) !== undefined) {
    return { keep, make: [scheduledKey(gone.algorithm, now, now + minLeadMs(policy), policy)] };
  }
  if (stay.some((key) => key.activeAt <= now && now < key.retiresAt)) return { keep, make: [] };
  const next = stay.find((key) => key.activeAt > now);
  if (next === undefined) return { keep, make: [scheduledKey(gone.algorithm, now, now, policy)] };
  return { keep: [...without(keep, next), activeFrom(next, now, policy)], make: [] };
}

/** The successor that was published and has not signed yet. */
function announced<Key extends KeyTimes>(schedule: readonly Key[], now: number): Key | undefined {
  const last = schedule.at(-1);
  return last !== undefined && last.activeAt > now && activeKey(schedule, now) !== last ? last : undefined;
}

function activeFrom<Key extends KeyTimes>(key: Key, at: number, policy: RotationPolicy): Key {
  return { ...key, activeAt: at, retiresAt: at + windowMs(key.algorithm, policy) };
}

/** Ends the window of the last key at `at`; one whose window ended earlier with nobody to follow signs until then. */
function retireLast<Key extends KeyTimes>(schedule: readonly Key[], at: number): readonly Key[] {
  return schedule.map((key, place) =>
    place === schedule.length - 1 && key.retiresAt !== at ? { ...key, retiresAt: at } : key,
  );
}

function scheduledKey(
  algorithm: RingAlgorithm,
  publishedAt: number,
  activeAt: number,
  policy: RotationPolicy,
): ScheduledKey {
  return { algorithm, publishedAt, activeAt, retiresAt: activeAt + windowMs(algorithm, policy) };
}

function without<Key extends KeyTimes>(keys: readonly Key[], key: Key | undefined): readonly Key[] {
  return keys.filter((other) => other !== key);
}

function others<Key extends KeyTimes>(keys: readonly Key[], schedule: readonly Key[]): readonly Key[] {
  return keys.filter((key) => !schedule.includes(key));
}

function join<Key extends KeyTimes>(plans: readonly Plan<Key>[]): Plan<Key> {
  return { keep: plans.flatMap((plan) => plan.keep), make: plans.flatMap((plan) => plan.make) };
}
