import { type Clock, CountersignError } from "@countersign/protocol";
import type { Config } from "../config.ts";
import { keys } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { addressBlock } from "./address-block.ts";
import type { Limits, LoginAttempt } from "./limits.ts";
import { type AttemptsState, type BudgetState, countAttempt, type Decision, takeFromBudget } from "./rules.ts";

/** What limits are made of. */
export interface LimitsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly config: { readonly limits: Config["limits"] };
}

/** Past so many lost races in a row, a key is under a flood. */
const mostRaces = 64;
const floodDelayMs = 1000;
/** Refusals remembered here, so that a flood of attempts at one key does not become a flood of reads. */
const mostRefusals = 10_000;

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
  readonly until: number;
}

class StoreLimits implements Limits {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #config: Config["limits"];
  readonly #refusals = new Map<string, Refusal>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor({ store, clock, config }: LimitsOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#config = config.limits;
  }

  async countLogin({ username, address }: LoginAttempt): Promise<boolean> {
    await this.countAddress("login", address, this.#config.address_attempts_per_minute);
    const policy = { attempts: this.#config.login_attempts, longestDelayMs: this.#config.login_max_delay * 1000 };
    const delay = await this.#take(accountKey(username), (state: AttemptsState | undefined, now) =>
      countAttempt(state, now, policy),
    );
    return delay === 0;
  }

  async clearLogin(username: string): Promise<void> {
    const key = accountKey(username);
    await this.#store.take(key);
    this.#refusals.delete(key);
  }

  async countAddress(purpose: string, address: string | undefined, perMinute: number): Promise<void> {
    if (address === undefined) return;
    const key = keys.limit(purpose, addressBlock(address));
    const retryAfterMs = await this.#take(key, (state: BudgetState | undefined, now) =>
      takeFromBudget(state, now, perMinute),
    );
    if (retryAfterMs > 0)
      throw new CountersignError("too_many_requests", { retryAfterMs, detail: `${purpose} budget` });
  }

  /** Applies a rule to a key's state. Resolves to 0, or to how long to wait. */
  async #take<State>(key: string, rule: (state: State | undefined, now: number) => Decision<State>): Promise<number> {
    const remembered = this.#delay(key);
    if (remembered > 0) return remembered;
    return this.#inTurn(key, async () => {
      for (let race = 0; race < mostRaces; race++) {
        const refusedMeanwhile = this.#delay(key);
        if (refusedMeanwhile > 0) return refusedMeanwhile;
        const item = await this.#store.get<State>(key);
        const now = this.#clock.now();
        const decision = rule(item?.value, now);
        if (!decision.allowed) {
          this.#remember(key, { since: now, until: decision.retryAt });
          return decision.retryAt - now;
        }
        const draft = { value: decision.state, expiresAt: decision.expiresAt };
        if ((await this.#store.swap(key, item?.version ?? 0, draft)) !== undefined) return 0;
      }
      return floodDelayMs;
    });
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
  #delay(key: string): number {
    const now = this.#clock.now();
    const { since, until } = this.#refusals.get(key) ?? { since: now, until: now };
    return now < since ? 0 : Math.max(0, until - now);
  }

  #remember(key: string, refusal: Refusal): void {
    this.#refusals.delete(key);
    this.#refusals.set(key, refusal);
    const [oldest] = this.#refusals.keys();
    if (this.#refusals.size > mostRefusals && oldest !== undefined) this.#refusals.delete(oldest);
  }
}

function noop(): void {}

function accountKey(username: string): string {
  return keys.limit("account", username);
}
