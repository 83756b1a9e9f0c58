import type { Config } from "../config.ts";
import type { RingAlgorithm } from "../store/records.ts";
import { CLOCK_SKEW_MS } from "../store/store.ts";
import { algorithms } from "./algorithms.ts";

/** When a key is published, signs, and stops signing. Instants in milliseconds. */
export interface KeyTimes {
  readonly kid: string;
  readonly algorithm: RingAlgorithm;
  readonly publishedAt: number;
  readonly activeAt: number;
  /** End of its window: the instant at which its successor takes over. */
  readonly retiresAt: number;
}

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

const DAY_MS = 86_400_000;

/**
 * The policy of a configuration. Tokens are taken to live a day, the most that configuration and clients can be given,
 * so that no change of a setting can make a key go before its last token.
 */
export function policyOf({ keys }: Pick<Config, "keys">, staleMs: number): RotationPolicy {
  return {
    rotateEveryMs: keys.rotate_every * 1000,
    publishBeforeMs: keys.publish_before * 1000,
    jwksMaxAgeMs: keys.jwks_max_age * 1000,
    maxTokenMs: DAY_MS,
    clockSkewMs: CLOCK_SKEW_MS,
    staleMs,
  };
}

/** How often a node looks for what others did to the ring, and how old its view may become: three looks may fail. */
export const DEFAULT_RELOAD_MS = 60_000;

/**
 * How long a key signs at least, in seconds: its successor is published meanwhile, for as long as caches keep a set without
 * it. A shorter `rotate_every` is lengthened to it.
 */
export function minRotation(config: Pick<Config, "keys">): number {
  return Math.ceil(leadMs(policyOf(config, 3 * DEFAULT_RELOAD_MS)) / 1000);
}

/** How long a key is published before it signs: until no cache and no node lacks it, whatever is configured. */
export function leadMs(policy: RotationPolicy): number {
  return Math.max(policy.publishBeforeMs, minLeadMs(policy));
}

/** How long a key must be published until no cache and no node lacks it. */
export function minLeadMs(policy: RotationPolicy): number {
  return policy.jwksMaxAgeMs + policy.staleMs + policy.clockSkewMs;
}

/** Longer than any authority lives, and still an instant that can be written down. */
const CENTURY_MS = 36_525 * DAY_MS;

/** How long a key of an algorithm signs: never so short that its successor could not be published meanwhile. */
export function windowMs(algorithm: RingAlgorithm, policy: RotationPolicy): number {
  return algorithms[algorithm].rotates ? Math.max(policy.rotateEveryMs, leadMs(policy)) : CENTURY_MS;
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
export function scheduleOf<Key extends KeyTimes>(keys: readonly Key[], algorithm: RingAlgorithm): readonly Key[] {
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
