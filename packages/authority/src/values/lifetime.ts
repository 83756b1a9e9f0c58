import { z } from "zod";

const MINUTE = 60;
const DAY = 86_400;

/** What lives, and how long it may: the shortest and the longest life, in seconds. */
export const lifetimes = {
  accessToken: [10, DAY],
  refreshIdle: [MINUTE, 366 * DAY],
  refreshAbsolute: [MINUTE, 3660 * DAY],
  invitation: [MINUTE, 90 * DAY],
  /** A client's secret beside its successor. */
  replacedSecret: [0, 90 * DAY],
} as const;

/** What has a lifetime. */
export type Lifetime = keyof typeof lifetimes;

/** A lifetime in seconds, within its bounds. */
export function lifetimeSchema(of: Lifetime) {
  const [shortest, longest] = lifetimes[of];
  return z.number().int().min(shortest).max(longest);
}

/** Whether a whole number of milliseconds is within the bounds of a lifetime. */
export function isLifetime(of: Lifetime, milliseconds: unknown): boolean {
  const [shortest, longest] = lifetimes[of];
  if (typeof milliseconds !== "number") return false;
  return Number.isInteger(milliseconds) && milliseconds >= shortest * 1000 && milliseconds <= longest * 1000;
}
