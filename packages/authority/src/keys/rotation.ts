import type { Config } from "../config.ts";
import type { SigningAlgorithm } from "../store/records.ts";

/** When a key is published, signs, and stops signing. Instants in milliseconds. */
export interface KeyTimes {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly publishedAt: number;
  readonly activeAt: number;
  /** End of its window: the instant at which its successor takes over. */
  readonly retiresAt: number;
}

/** A key that is to be made: its times, before it has a name. */
export type ScheduledKey = Omit<KeyTimes, "kid">;

/** Announced, signing, still trusted, gone. */
export type KeyState = "next" | "active" | "retired" | "erased";

/** What the timetable depends on, in milliseconds. */
export interface RotationPolicy {
  /** How long a key signs. */
  readonly rotateEveryMs: number;
  /** How long a key is published before it signs, at least. */
  readonly publishBeforeMs: number;
  /** For how long verifiers and proxies may keep a JWK set. */
  readonly jwksMaxAgeMs: number;
  /** The longest life of a token. */
  readonly maxTokenMs: number;
  /** How far the clocks of nodes and verifiers may be apart. */
  readonly clockSkewMs: number;
  /** How old a node's view of the ring may be while it signs and publishes. */
  readonly staleMs: number;
}

const dayMs = 86_400_000;

/**
 * The policy of a configuration. Tokens are taken to live a day, the most that configuration and clients can be given,
 * so that no change of a setting can make a key go before its last token.
 */
export function policyOf({ keys }: Pick<Config, "keys">, staleMs: number): RotationPolicy {
  return {
    rotateEveryMs: keys.rotate_every * 1000,
    publishBeforeMs: keys.publish_before * 1000,
    jwksMaxAgeMs: keys.jwks_max_age * 1000,
    maxTokenMs: dayMs,
    clockSkewMs: 60_000,
    staleMs,
  };
}

/** How often a node looks for what others did to the ring, and how old its view may become: three looks may fail. */
export const defaultReloadMs = 60_000;

/**
 * How long a key signs at least, in seconds: its successor is published meanwhile, for as long as caches keep a set without
 * it. A shorter `rotate_every` is lengthened to it.
 */
export function minRotation(config: Pick<Config, "keys">): number {
  return Math.ceil(leadMs(policyOf(config, 3 * defaultReloadMs)) / 1000);
}

/** The keys that stay, with their new times, and those to be made. */
export interface Plan<Key extends KeyTimes> {
  readonly keep: readonly Key[];
  readonly make: readonly ScheduledKey[];
}

/**
 * From so many keys of one algorithm on, the timetable waits for the oldest to go. Commands may double it, and even
 * then the published set keeps below the hundred keys that verifiers take.
 */
export const maxKeysOfAlgorithm = 12;

/** How long a key is published before it signs: until no cache and no node lacks it, whatever is configured. */
export function leadMs(policy: RotationPolicy): number {
  return Math.max(policy.publishBeforeMs, minLeadMs(policy));
}

/** How long a key must be published until no cache and no node lacks it. */
function minLeadMs(policy: RotationPolicy): number {
  return policy.jwksMaxAgeMs + policy.staleMs + policy.clockSkewMs;
}

/** How long a key signs: never so short that its successor could not be published meanwhile. */
function windowMs(policy: RotationPolicy): number {
  return Math.max(policy.rotateEveryMs, leadMs(policy));
}

/** When a retired key goes: after the last token it signed has expired for every verifier. */
export function erasesAt(key: KeyTimes, policy: RotationPolicy): number {
  return key.retiresAt + policy.maxTokenMs + policy.clockSkewMs + policy.staleMs + policy.jwksMaxAgeMs;
}

/** The keys that are not to be erased yet. */
export function unexpired<Key extends KeyTimes>(
  keys: readonly Key[],
  now: number,
  policy: RotationPolicy,
): readonly Key[] {
  return keys.filter((key) => now < erasesAt(key, policy));
}

/** The keys of one algorithm, oldest first. */
export function scheduleOf<Key extends KeyTimes>(keys: readonly Key[], algorithm: SigningAlgorithm): readonly Key[] {
  return keys.filter((key) => key.algorithm === algorithm).sort((a, b) => a.activeAt - b.activeAt);
}

/**
 * The key of a schedule that signs at `now`, or `undefined` when its last window is over or its first key is only announced.
 * Another schedule whose first window has not begun (a clock was put back) signs with its first key, which is published
 * like the others.
 */
export function activeKey<Key extends KeyTimes>(schedule: readonly Key[], now: number): Key | undefined {
  if (firstAnnounced(schedule, now) !== undefined) return undefined;
  const key = schedule.findLast((candidate) => candidate.activeAt <= now) ?? schedule[0];
  return key !== undefined && now < key.retiresAt ? key : undefined;
}

/** The first key of an algorithm that nothing was signed with so far, while it is published but does not sign yet. */
export function firstAnnounced<Key extends KeyTimes>(schedule: readonly Key[], now: number): Key | undefined {
  const [key, ...others] = schedule;
  if (key === undefined || others.length > 0) return undefined;
  return key.publishedAt <= now && now < key.activeAt ? key : undefined;
}

/** The state of a key among the others of its algorithm. */
export function stateOf<Key extends KeyTimes>(
  key: Key,
  schedule: readonly Key[],
  now: number,
  policy: RotationPolicy,
): KeyState {
  if (activeKey(schedule, now)?.kid === key.kid) return "active";
  if (key.activeAt > now) return "next";
  return now < erasesAt(key, policy) ? "retired" : "erased";
}

/**
 * The timetable of the key ring: from the keys as they are to the keys as they should be at `now`. Every algorithm in
 * use or in `demanded` has a schedule of its own. When nobody announced a successor in time, the last key goes on signing
 * until a successor has been published long enough. The keys of an empty ring sign at once, as no verifier can hold an
 * earlier set, and so does the key of a schedule that ran out during an outage; the first key of an algorithm that joins
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
  demanded: readonly SigningAlgorithm[] = [],
): Plan<Key> {
  const inUse = new Set([...keys.map((key) => key.algorithm), ...demanded]);
  const firstAt = keys.length === 0 ? now : now + minLeadMs(policy);
  return join(
    [...inUse].map((algorithm) => {
      const schedule = scheduleOf(keys, algorithm);
      if (schedule.length === 0) return { keep: [], make: [scheduledKey(algorithm, now, firstAt, policy)] };
      return planSchedule(schedule, algorithm, now, policy);
    }),
  );
}

function planSchedule<Key extends KeyTimes>(
  schedule: readonly Key[],
  algorithm: SigningAlgorithm,
  now: number,
  policy: RotationPolicy,
): Plan<Key> {
  const keep = unexpired(schedule, now, policy);
  const last = keep.at(-1);
  const oldest = keep[0];
  if (last === undefined || oldest === undefined) return { keep, make: [scheduledKey(algorithm, now, now, policy)] };
  if (announced(keep, now) !== undefined || now < last.retiresAt - leadMs(policy)) return { keep, make: [] };
  const earliest = Math.max(last.retiresAt, now + leadMs(policy));
  if (keep.length < maxKeysOfAlgorithm) {
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
  algorithm: SigningAlgorithm,
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
  algorithm: SigningAlgorithm,
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
  return { ...key, activeAt: at, retiresAt: at + windowMs(policy) };
}

/** Ends the window of the last key at `at`; one whose window ended earlier with nobody to follow signs until then. */
function retireLast<Key extends KeyTimes>(schedule: readonly Key[], at: number): readonly Key[] {
  return schedule.map((key, place) =>
    place === schedule.length - 1 && key.retiresAt !== at ? { ...key, retiresAt: at } : key,
  );
}

function scheduledKey(
  algorithm: SigningAlgorithm,
  publishedAt: number,
  activeAt: number,
  policy: RotationPolicy,
): ScheduledKey {
  return { algorithm, publishedAt, activeAt, retiresAt: activeAt + windowMs(policy) };
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
