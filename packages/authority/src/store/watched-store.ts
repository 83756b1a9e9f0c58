import { type Clock, CountersignError } from "@countersign/protocol";
import { keys } from "./keys.ts";
import type { Draft, Item, Page, Store } from "./store.ts";

/** A store that can say whether it takes writes. */
export interface WatchedStore extends Store {
  /**
   * Why it takes no writes, or `undefined` when it does: by how the last write went, and whether those that wait get on.
   * After one that failed it tries one of its own, at most every two seconds, however often it is asked.
   */
  writeFailure(): Promise<string | undefined>;
}

/** A disk that hangs fails nothing: for so long a write may wait without another being finished. */
const stallMs = 5000;
const probeEveryMs = 2000;
const probeLifeMs = 60_000;

/**
 * Watches the writes of a store, so that a full or failing disk shows where nothing is written.
 *
 * @example
 * ```ts
 * const watched = watchStore(store, clock);
 * await watched.writeFailure(); // undefined
 * ```
 */
export function watchStore(store: Store, clock: Clock): WatchedStore {
  return new Watched(store, clock);
}

class Watched implements WatchedStore {
  readonly exclusive: boolean;
  readonly #store: Store;
  readonly #clock: Clock;
  #failure: string | undefined;
  #waiting = 0;
  #progressAt = 0;
  #probe: Promise<unknown> = Promise.resolve();
  #probedAt = Number.NEGATIVE_INFINITY;

  constructor(store: Store, clock: Clock) {
    this.exclusive = store.exclusive ?? false;
    this.#store = store;
    this.#clock = clock;
  }

  get<Value>(key: string): Promise<Item<Value> | undefined> {
    return this.#store.get(key);
  }

  swap<Value>(key: string, expectedVersion: number, draft: Draft<Value>): Promise<number | undefined> {
    return this.#watch(this.#store.swap(key, expectedVersion, draft));
  }

  take<Value>(key: string, version?: number): Promise<Item<Value> | undefined> {
    return this.#watch(this.#store.take(key, version));
  }

  list<Value>(owner: string, page: Page): Promise<readonly Item<Value>[]> {
    return this.#store.list(owner, page);
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async writeFailure(): Promise<string | undefined> {
    const now = this.#clock.monotonic();
    const stalledMs = this.#waiting > 0 ? now - this.#progressAt : 0;
    if (stalledMs >= stallMs) return `No write was finished for ${Math.round(stalledMs / 1000)} seconds`;
    if (this.#failure === undefined) return undefined;
    if (now - this.#probedAt >= probeEveryMs) {
      this.#probedAt = now;
      this.#probe = this.#tryToWrite().catch(() => undefined);
    }
    await this.#probe;
    return this.#failure;
  }

  async #tryToWrite(): Promise<void> {
    const before = await this.#store.get(keys.probe());
    await this.swap(keys.probe(), before?.version ?? 0, { value: {}, expiresAt: this.#clock.now() + probeLifeMs });
  }

  /** What lost a race wrote nothing, and says nothing of the disk. */
  #watch<Result>(write: Promise<Result | undefined>): Promise<Result | undefined> {
    if (this.#waiting++ === 0) this.#progressAt = this.#clock.monotonic();
    write.then(
      (result) => {
        this.#settled();
        if (result !== undefined) this.#failure = undefined;
      },
      (error) => {
        this.#settled();
        if (error instanceof CountersignError && error.code === "temporarily_unavailable")
          this.#failure = error.detail ?? error.message;
      },
    );
    return write;
  }

  #settled(): void {
    this.#waiting -= 1;
    this.#progressAt = this.#clock.monotonic();
  }
}
