import { type Clock, CountersignError, sha256 } from "@countersign/protocol";
import type { Config } from "../config.ts";
import { keys } from "../store/keys.ts";
import type { CommitResult, Draft, Item, Store } from "../store/store.ts";
import { type Edit, updateItem } from "../store/update-item.ts";
import { addressBlocks } from "../values/address.ts";
import {
  type AccountPolicy,
  type AccountState,
  clearAtAccount,
  countAtAccount,
  endDelays,
  type Origin,
} from "./account-rule.ts";
import { type Budget, type BudgetState, type Decision, giveBack, takeFromBudget } from "./rules.ts";

/** How often somebody may try. Kept in the store, so that several nodes count together. */
export interface Limits {
  /**
   * Counts an attempt at an account before its password is hashed, and resolves to whether the password may be tried:
   * false while the account's delay for this block of addresses runs. Refuses with `too_many_requests` when the address
   * has tried too often.
   */
  countLogin(attempt: LoginAttempt): Promise<boolean>;
  /**
   * To be called when the password was right: gives back what the attempt took, forgets the failures of this block of
   * addresses at the account, and knows the block from now on.
   */
  loginSucceeded(attempt: LoginAttempt): Promise<void>;
  /** Ends all delays of an account. The blocks of addresses that it knows stay known. */
  clearLogin(username: string): Promise<void>;
  /**
   * Takes one from an address's budget for a named purpose. Refuses with `too_many_requests` when it is empty. An
   * unknown address has no budget: there, only the account's counter stands.
   */
  countAddress(purpose: string, address: string | undefined, perMinute: number): Promise<void>;
  /**
   * Refuses with `too_many_requests` an address whose budget for a purpose was found empty within the last second: so what a
   * flood asks for costs nothing. Takes nothing, and asks no store.
   */
  refuseExhausted(purpose: string, address: string | undefined, perMinute: number): void;
}

/** Who tries to log in, and from where. */
export interface LoginAttempt {
  /** Normalised, so that all spellings share one counter; counted whether the user exists or not. */
  readonly username: string;
  readonly address?: string;
}

/** What limits are made of. */
export interface LimitsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly config: { readonly limits: Config["limits"] };
}

/** The delay of an attempt at a key that others count at all the time. */
const FLOOD_DELAY_MS = 1000;
/** Refusals remembered here, so that a flood of attempts at one key does not become a flood of reads. */
const MAX_REFUSALS = 10_000;
/** For so long only, so that what another node clears is soon seen. */
const REMEMBERED_MS = 1000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** How many times the budget of a narrow block of addresses a wide one has. */
const WIDE_FACTOR = 4;

/**
 * Makes limits that are kept in the store. While the store fails, attempts fail with it: nobody guesses uncounted.
 *
 * @example
 * ```ts
 * import { testAuthority } from "@countersign/authority/testing";
 * const { limits } = (await testAuthority()).services;
 * await limits.countLogin({ username: "alice", address: "192.0.2.1" }); // true
 * ```
 */
export function createLimits(options: LimitsOptions): Limits {
  return new StoreLimits(options);
}

interface Refusal {
  readonly since: number;
  readonly retryAt: number;
}

/** What is refused together: a key, and there an address block. */
interface Subject {
  readonly key: string;
  readonly refusedAs: string;
}

/** From a key's state to the next one and its expiry; nothing where it stays. */
type StateEdit<State> = (
  state: State | undefined,
  now: number,
) => { readonly state: State; readonly expiresAt: number } | undefined;

interface CountedEdit<State> extends Edit<State> {
  readonly draft: Draft<State>;
  readonly expectedVersion: number;
}

class StoreLimits implements Limits {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #perMinute: number;
  readonly #policy: AccountPolicy;
  readonly #refusals = new Map<string, Refusal>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor({ store, clock, config: { limits } }: LimitsOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#perMinute = limits.address_attempts_per_minute;
    this.#policy = {
      attempts: limits.login_attempts,
      maxDelayMs: limits.login_max_delay * 1000,
      strangers: perHour(limits.account_attempts_per_hour),
    };
  }

  async countLogin({ username, address }: LoginAttempt): Promise<boolean> {
    await this.countAddress("login", address, this.#perMinute);
    const origin = originOf(address);
    const key = accountKey(username);
    const context = { origin, policy: this.#policy };
    const delay = await this.#take(
      { key, refusedAs: `${key} ${origin.narrow}` },
      (state: AccountState | undefined, now) => countAtAccount(state, now, context),
    );
    return delay === 0;
  }

  async loginSucceeded({ username, address }: LoginAttempt): Promise<void> {
    const context = { origin: originOf(address), policy: this.#policy };
    await Promise.all([
      ...budgetsOf("login", address, this.#perMinute).map(({ key, budget }) =>
        this.#edit(key, (state: BudgetState | undefined) => {
          if (state === undefined) return undefined;
          const left = giveBack(state, budget);
          return { state: left, expiresAt: Math.ceil(left.arrivalAt) };
        }),
      ),
      this.#edit(accountKey(username), (state: AccountState | undefined, now) => clearAtAccount(state, now, context)),
    ]);
  }

  async clearLogin(username: string): Promise<void> {
    const key = accountKey(username);
    await this.#edit(key, (state: AccountState | undefined, now) => state && endDelays(state, now, this.#policy));
    for (const refusedAs of this.#refusals.keys()) if (refusedAs.startsWith(key)) this.#refusals.delete(refusedAs);
  }

  async countAddress(purpose: string, address: string | undefined, perMinute: number): Promise<void> {
    // The narrow block first: whom its own budget stops takes nothing from its neighbours.
    for (const { key, budget } of budgetsOf(purpose, address, perMinute)) {
      const retryAfterMs = await this.#take({ key, refusedAs: key }, (state: BudgetState | undefined, now) =>
        takeFromBudget(state, now, budget),
      );
      if (retryAfterMs > 0)
        throw new CountersignError("too_many_requests", { retryAfterMs, detail: `${purpose} budget` });
    }
  }

  refuseExhausted(purpose: string, address: string | undefined, perMinute: number): void {
    // To hash the address costs more than all else, and mostly nobody was refused.
    if (this.#refusals.size === 0) return;
    for (const { key } of budgetsOf(purpose, address, perMinute)) {
      const retryAfterMs = this.#delay(key);
      if (retryAfterMs > 0)
        throw new CountersignError("too_many_requests", { retryAfterMs, detail: `${purpose} budget` });
    }
  }

  /** Applies a rule to a key's state. Resolves to 0, or to how long to wait. */
  async #take<State>(
    { key, refusedAs }: Subject,
    rule: (state: State | undefined, now: number) => Decision<State>,
  ): Promise<number> {
    const remembered = this.#delay(refusedAs);
    if (remembered > 0) return remembered;
    return this.#inTurn(key, () => this.#decide({ key, refusedAs }, rule));
  }

  async #decide<State>(
    { key, refusedAs }: Subject,
    rule: (state: State | undefined, now: number) => Decision<State>,
  ): Promise<number> {
    // Whoever waited for the turn is answered without another read where the one before was refused.
    let delayMs = this.#delay(refusedAs);
    if (delayMs > 0) return delayMs;
    const isDecided = await this.#update(key, (state: State | undefined, now) => {
      const decision = rule(state, now);
      if (decision.allowed) return decision;
      this.#remember(refusedAs, { since: now, retryAt: decision.retryAt });
      delayMs = decision.retryAt - now;
      return undefined;
    });
    return isDecided ? delayMs : FLOOD_DELAY_MS;
  }

  /** Changes a key's state, unless a flood keeps it from standing still: then what was counted stays counted. */
  async #edit<State>(key: string, edit: StateEdit<State>): Promise<void> {
    await this.#inTurn(key, () => this.#update(key, edit));
  }

  /** Resolves to false when other nodes changed the state again and again. */
  async #update<State>(key: string, edit: StateEdit<State>): Promise<boolean> {
    try {
      const counted = (item: Item<State> | undefined): CountedEdit<State> | undefined => {
        const next = edit(item?.value, this.#clock.now());
        return next && { draft: { value: next.state, expiresAt: next.expiresAt }, expectedVersion: item?.version ?? 0 };
      };
      await updateItem(this.#store, key, counted, (_, made) => this.#swap(key, made));
      return true;
    } catch (error) {
      if (error instanceof CountersignError && error.code === "conflict") return false;
      throw error;
    }
  }

  async #swap<State>(key: string, { expectedVersion, draft }: CountedEdit<State>): Promise<CommitResult> {
    const version = await this.#store.swap(key, expectedVersion, draft);
    return version === undefined ? { failed: [key] } : { version };
  }

  /** One at a time per key in this process, so that callers race with other nodes only. */
  async #inTurn<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const turn = before.then(task);
    const settled = turn.then(noop, noop);
    this.#turns.set(key, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(key) === settled) this.#turns.delete(key);
    }
  }

  /** A refusal from before the clock was put back says nothing: the store is asked again. */
  #delay(refusedAs: string): number {
    const now = this.#clock.now();
    const { since, retryAt } = this.#refusals.get(refusedAs) ?? { since: now, retryAt: now };
    return now < since || now >= since + REMEMBERED_MS ? 0 : Math.max(0, retryAt - now);
  }

  #remember(refusedAs: string, refusal: Refusal): void {
    this.#refusals.delete(refusedAs);
    this.#refusals.set(refusedAs, refusal);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > MAX_REFUSALS && oldest !== undefined) this.#refusals.delete(oldest);
  }
}

function noop(): void {}

function accountKey(username: string): string {
  return keys.limit("account", username);
}

/** Half at once and half over the hour: so no hour sees more. */
function perHour(attempts: number): Budget {
  const burst = Math.max(1, Math.floor(attempts / 2));
  return { burst, everyMs: HOUR_MS / Math.max(1, attempts - burst) };
}

function originOf(address: string | undefined): Origin {
  const { narrow, wide, isLoopback } = addressBlocks(address);
  return { narrow: blockId(narrow), ...(wide === undefined ? {} : { wide: blockId(wide) }), isLoopback };
}

/** Long enough that nobody finds another block with the same one. */
function blockId(block: string): string {
  return sha256(block).slice(0, 20);
}

function budgetsOf(purpose: string, address: string | undefined, perMinute: number) {
  if (address === undefined) return [];
  const { narrow, wide } = addressBlocks(address);
  const own = { key: keys.limit(purpose, narrow), budget: { burst: perMinute, everyMs: MINUTE_MS / perMinute } };
  if (wide === undefined) return [own];
  const shared = WIDE_FACTOR * perMinute;
  return [own, { key: keys.limit(purpose, wide), budget: { burst: shared, everyMs: MINUTE_MS / shared } }];
}
