import { CLOCK_SKEW_MS } from "../store/store.ts";

/** What a rule makes of one more attempt. */
export type Decision<State> =
  | { readonly allowed: true; readonly state: State; readonly expiresAt: number }
  | { readonly allowed: false; readonly retryAt: number };

/** The attempts since a password was last right. */
export interface AttemptsState {
  readonly attempts: number;
  /** Before this instant no attempt is let through. */
  readonly notBefore: number;
}

/** How many attempts are free, and how long the delays grow. */
export interface AttemptsPolicy {
  readonly attempts: number;
  readonly maxDelayMs: number;
}

/** What was taken from a budget: the theoretical arrival time of the generic cell rate algorithm (ITU-T I.371). */
export interface BudgetState {
  readonly arrivalAt: number;
}

/** So many at once, and one more after each `everyMs`. */
export interface Budget {
  readonly burst: number;
  readonly everyMs: number;
}

const FIRST_DELAY_MS = 1000;
/** Attempts that rested for so many of their longest delays are forgotten. */
const RESTING_DELAYS = 4;

/** Lets the free attempts through, then one after each delay: 1 s, 2 s, 4 s … up to the longest. Never locks for good. */
export function countAttempt(
  state: AttemptsState | undefined,
  now: number,
  policy: AttemptsPolicy,
): Decision<AttemptsState> {
  const resumesAt = credible(state?.notBefore, now + policy.maxDelayMs);
  if (now < resumesAt) return { allowed: false, retryAt: resumesAt };
  const attempts = (state?.attempts ?? 0) + 1;
  const beyond = attempts - policy.attempts;
  const delay = beyond < 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** beyond, policy.maxDelayMs);
  const notBefore = now + delay;
  return { allowed: true, state: { attempts, notBefore }, expiresAt: forgottenAt({ notBefore }, policy) };
}

/** From when on attempts have no effect any more. */
export function forgottenAt({ notBefore }: Pick<AttemptsState, "notBefore">, policy: AttemptsPolicy): number {
  return notBefore + RESTING_DELAYS * policy.maxDelayMs;
}

/** Takes one from a budget. */
export function takeFromBudget(state: BudgetState | undefined, now: number, budget: Budget): Decision<BudgetState> {
  const maxMs = budget.burst * budget.everyMs;
  const arrivalAt = Math.max(credible(state?.arrivalAt, now + maxMs), now) + budget.everyMs;
  const retryAt = Math.ceil(arrivalAt - maxMs);
  if (now < retryAt) return { allowed: false, retryAt };
  return { allowed: true, state: { arrivalAt }, expiresAt: Math.ceil(arrivalAt) };
}

/** Gives back one that was taken. */
export function giveBack({ arrivalAt }: BudgetState, { everyMs }: Budget): BudgetState {
  return { arrivalAt: arrivalAt - everyMs };
}

/** Whether a date is not in the future: such a date was written before a clock was put back, and must lock nobody out. */
export function isCredible(at: number, latest: number): boolean {
  return at <= latest + CLOCK_SKEW_MS;
}

function credible(at: number | undefined, latest: number): number {
  return at !== undefined && isCredible(at, latest) ? at : 0;
}
