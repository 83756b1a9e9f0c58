import { clockSkewMs } from "../store/clock-skew.ts";

/** What a rule makes of one more attempt. */
export type Decision<State> =
  | { readonly allowed: true; readonly state: State; readonly expiresAt: number }
  | { readonly allowed: false; readonly retryAt: number };

/** The attempts at one account since its password was last right. */
export interface AttemptsState {
  readonly attempts: number;
  /** Before this instant no attempt is let through. */
  readonly notBefore: number;
}

/** How many attempts are free, and how long the delays grow. */
export interface AttemptsPolicy {
  readonly attempts: number;
  readonly longestDelayMs: number;
}

/** The budget of one address: the theoretical arrival time of the generic cell rate algorithm (ITU-T I.371). */
export interface BudgetState {
  readonly arrivalAt: number;
}

const firstDelayMs = 1000;
/** An account that rests for so many of its longest delays starts afresh. */
const restingDelays = 4;
const minuteMs = 60_000;
/**
 * Lets the free attempts through, then one after each delay: 1 s, 2 s, 4 s … up to the longest. Never locks for good,
 * so an attacker cannot shut an account's owner out.
 */
export function countAttempt(
  state: AttemptsState | undefined,
  now: number,
  policy: AttemptsPolicy,
): Decision<AttemptsState> {
  const resumesAt = credible(state?.notBefore, now + policy.longestDelayMs);
  if (now < resumesAt) return { allowed: false, retryAt: resumesAt };
  const attempts = (state?.attempts ?? 0) + 1;
  const beyond = attempts - policy.attempts;
  const delay = beyond < 0 ? 0 : Math.min(firstDelayMs * 2 ** beyond, policy.longestDelayMs);
  const notBefore = now + delay;
  return {
    allowed: true,
    state: { attempts, notBefore },
    expiresAt: notBefore + restingDelays * policy.longestDelayMs,
  };
}

/** Lets `perMinute` attempts through at once, and as many a minute after that. */
export function takeFromBudget(state: BudgetState | undefined, now: number, perMinute: number): Decision<BudgetState> {
  const arrivalAt = Math.max(credible(state?.arrivalAt, now + minuteMs), now) + minuteMs / perMinute;
  const retryAt = Math.ceil(arrivalAt - minuteMs);
  if (now < retryAt) return { allowed: false, retryAt };
  return { allowed: true, state: { arrivalAt }, expiresAt: Math.ceil(arrivalAt) };
}

/** What no clock could have written by now was written by one that has been put back since: it must lock nobody out. */
function credible(at: number | undefined, latest: number): number {
  return at !== undefined && at <= latest + clockSkewMs ? at : 0;
}
