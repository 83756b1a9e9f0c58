import { defined } from "@countersign/protocol";
import {
  type AttemptsPolicy,
  type AttemptsState,
  type Budget,
  countAttempt,
  type Decision,
  forgottenAt,
  giveBack,
  isCredible,
  takeFromBudget,
} from "./rules.ts";

/** The attempts at one account, in one item of bounded size. */
export interface AccountState {
  /** What strangers have taken of the account's own budget. */
  readonly arrivalAt?: number;
  /** By block: its id, its attempts, and the instant before which it waits. */
  readonly blocks: readonly BlockAttempts[];
  /** Blocks that a right password came from: id, and until when that counts. The latest one is the last. */
  readonly known: readonly KnownBlock[];
}

type BlockAttempts = readonly [id: string, attempts: number, notBefore: number];
type KnownBlock = readonly [id: string, until: number];

/** Where an attempt comes from, as ids of blocks. */
export interface Origin {
  readonly narrow: string;
  readonly wide?: string;
  readonly isLoopback: boolean;
}

/** How often an account may be tried. */
export interface AccountPolicy extends AttemptsPolicy {
  /** What all blocks together have that no right password came from. */
  readonly strangers: Budget;
}

/** What an attempt is judged by. */
export interface AttemptContext {
  readonly origin: Origin;
  readonly policy: AccountPolicy;
}

/** A state and until when it has an effect. */
export interface Settled {
  readonly state: AccountState;
  readonly expiresAt: number;
}

/** How many times the free attempts of a narrow block a wide one has. */
const WIDE_FACTOR = 2;
/** More blocks than the strangers' budget lets through within the life of a delay. */
const MAX_BLOCKS = 128;
const MAX_KNOWN = 16;
const KNOWN_FOR_MS = 90 * 86_400_000;

/**
 * Counts one attempt at an account. Each block of addresses has free attempts and delays of its own, so that nobody's
 * wrong passwords delay those who try from elsewhere. All blocks together share a wide budget, against an attacker who
 * has many of them. A block that the right password came from within 90 days, and this machine itself, stand outside of
 * that budget: only their own attempts delay them (NIST SP 800-63B section 5.2.2).
 */
export function countAtAccount(
  state: AccountState | undefined,
  now: number,
  { origin, policy }: AttemptContext,
): Decision<AccountState> {
  const isStranger = !isTrusted(state, now, origin);
  const blocks = countedBlocks(origin, isStranger, policy).map(({ id, limit }) => ({
    id,
    limit,
    decision: countAttempt(liveAttempts(state, id, now, policy), now, limit),
  }));
  const ceiling = isStranger ? takeFromBudget(budgetOf(state), now, policy.strangers) : undefined;
  const retryAt = latestRetry([...blocks.map(({ decision }) => decision), ...(ceiling ? [ceiling] : [])]);
  if (retryAt !== undefined) return { allowed: false, retryAt };
  const counted = blocks.flatMap(({ id, decision }) =>
    decision.allowed ? [[id, decision.state.attempts, decision.state.notBefore] as const] : [],
  );
  const arrivalAt = ceiling?.allowed ? ceiling.state.arrivalAt : state?.arrivalAt;
  const rest = { ...without(state, counted), ...defined({ arrivalAt }) };
  return { allowed: true, ...settle(rest, counted, { now, policy }) };
}

/**
 * What stands after the password was right: the attempts of this block are forgotten, those of the site around it and
 * the strangers' budget have one back, and the block is known from now on.
 */
export function clearAtAccount(
  state: AccountState | undefined,
  now: number,
  { origin, policy }: AttemptContext,
): Settled {
  const { narrow, wide, isLoopback } = origin;
  const wasStranger = !isTrusted(state, now, origin);
  const site = wasStranger && wide !== undefined ? attemptsOf(state, wide) : undefined;
  const siteBefore: readonly BlockAttempts[] =
    site !== undefined && wide !== undefined ? [[wide, site.attempts - 1, now]] : [];
  const rest = without(state, [[narrow, 0, 0], ...siteBefore]);
  const known: readonly KnownBlock[] = isLoopback
    ? rest.known
    : [...rest.known.filter(([id]) => id !== narrow), [narrow, now + KNOWN_FOR_MS]];
  const budget = budgetOf(state);
  const arrivalAt = budget && wasStranger ? giveBack(budget, policy.strangers).arrivalAt : state?.arrivalAt;
  return settle({ blocks: rest.blocks, known, ...defined({ arrivalAt }) }, siteBefore, {
    now,
    policy,
  });
}

/** What stands when all delays of an account are ended: where a right password came from. */
export function endDelays(state: AccountState, now: number, policy: AccountPolicy): Settled {
  return settle({ blocks: [], known: state.known }, [], { now, policy });
}

function isTrusted(state: AccountState | undefined, now: number, { narrow, isLoopback }: Origin): boolean {
  return isLoopback || (state?.known.some(([id, until]) => id === narrow && now < until) ?? false);
}

/** A known block is judged by its own attempts, not by those of the wide block around it. */
function countedBlocks({ narrow, wide }: Origin, isStranger: boolean, policy: AccountPolicy) {
  const own = { id: narrow, limit: policy };
  if (wide === undefined || !isStranger) return [own];
  return [own, { id: wide, limit: { ...policy, attempts: WIDE_FACTOR * policy.attempts } }];
}

function attemptsOf(state: AccountState | undefined, id: string): AttemptsState | undefined {
  const [, attempts, notBefore] = state?.blocks.find(([other]) => other === id) ?? [];
  return attempts === undefined || notBefore === undefined ? undefined : { attempts, notBefore };
}

function liveAttempts(state: AccountState | undefined, id: string, now: number, policy: AccountPolicy) {
  const attempts = attemptsOf(state, id);
  return attempts !== undefined && now < forgottenAt(attempts, policy) ? attempts : undefined;
}

function budgetOf(state: AccountState | undefined) {
  return state?.arrivalAt === undefined ? undefined : { arrivalAt: state.arrivalAt };
}

function latestRetry(decisions: readonly Decision<unknown>[]): number | undefined {
  const instants = decisions.flatMap((decision) => (decision.allowed ? [] : [decision.retryAt]));
  return instants.length === 0 ? undefined : Math.max(...instants);
}

function without(state: AccountState | undefined, blocks: readonly BlockAttempts[]): AccountState {
  const ids = new Set(blocks.map(([id]) => id));
  return { ...state, blocks: state?.blocks.filter(([id]) => !ids.has(id)) ?? [], known: state?.known ?? [] };
}

/** The state with `added` last, without what has no effect any more; past the bounds, what was counted longest ago goes. */
function settle(
  state: AccountState,
  added: readonly BlockAttempts[],
  { now, policy }: { readonly now: number; readonly policy: AccountPolicy },
): Settled {
  const { burst, everyMs } = policy.strangers;
  const isCurrent = (until: number, maxMs: number) => now < until && isCredible(until, now + maxMs);
  const lifeMs = forgottenAt({ notBefore: policy.maxDelayMs }, policy);
  const endOf = ([, , notBefore]: BlockAttempts) => forgottenAt({ notBefore }, policy);
  const blocks = [...state.blocks.filter((block) => isCurrent(endOf(block), lifeMs)), ...added].slice(-MAX_BLOCKS);
  const known = state.known.filter(([, until]) => isCurrent(until, KNOWN_FOR_MS)).slice(-MAX_KNOWN);
  const arrivalAt = isCurrent(state.arrivalAt ?? 0, burst * everyMs) ? state.arrivalAt : undefined;
  const expiresAt = Math.max(Math.ceil(arrivalAt ?? 0), ...blocks.map(endOf), ...known.map(([, until]) => until));
  return { state: { blocks, known, ...defined({ arrivalAt }) }, expiresAt };
}
