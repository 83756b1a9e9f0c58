import type { TokenEvent } from "./events.ts";
import type { ManagedToken } from "./managed-token.ts";
import { type Clock, monotonicOf, type Random } from "./ports.ts";

/** Timers do not run while a machine is suspended: no sleep is longer, so that its return is noticed soon. */
const MAX_NAP_MS = 30_000;
/** How far the two clocks may drift apart in one nap before it is a jump. */
const JUMP_TOLERANCE_MS = 2_000;
/** What a jump makes due at once is spread over this. */
const SPREAD_MS = 5_000;

/** What a {@link Scheduler} works with. */
export interface SchedulerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: TokenEvent) => void;
  /** Whether a due token is refreshed. */
  readonly wanted: (managed: ManagedToken) => boolean;
}

/** One timer for any number of tokens. It holds no process alive. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #tokens = new Set<ManagedToken>();
  #nap = new AbortController();
  #napUntil = Number.POSITIVE_INFINITY;
  #closed = false;
  #running = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  add(managed: ManagedToken): void {
    this.#tokens.add(managed);
    this.wake(managed);
  }

  delete(managed: ManagedToken): void {
    this.#tokens.delete(managed);
  }

  /** Looks again when a token has become due sooner than the end of the nap. */
  wake(managed: ManagedToken): void {
    if (this.#closed || !this.#tokens.has(managed)) return;
    if (!this.#running) void this.#run();
    else if (monotonicOf(this.#options.clock) + soonest(managed) < this.#napUntil) this.#nap.abort();
  }

  close(): void {
    this.#closed = true;
    this.#tokens.clear();
    this.#nap.abort();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (!this.#closed && this.#tokens.size > 0) {
      for (const managed of this.#tokens) this.#visit(managed);
      await this.#sleep();
    }
    this.#running = false;
  }

  #visit(managed: ManagedToken): void {
    managed.status();
    if (!this.#options.wanted(managed)) return;
    if (managed.dueInMs() <= 0) void managed.refreshQuietly();
    else if (managed.lookInMs() <= 0) void managed.look();
  }

  async #sleep(): Promise<void> {
    const { clock } = this.#options;
    const [wall, monotonic] = [clock.now(), monotonicOf(clock)];
    const napMs = this.#napMs();
    this.#napUntil = monotonic + napMs;
    this.#nap = new AbortController();
    await clock.sleep(napMs, this.#nap.signal, { keepAlive: false }).catch(() => undefined);
    const jumpMs = clock.now() - wall - (monotonicOf(clock) - monotonic);
    if (Math.abs(jumpMs) > JUMP_TOLERANCE_MS && !this.#closed) this.#jumped(jumpMs);
  }

  #napMs(): number {
    let napMs = MAX_NAP_MS;
    for (const managed of this.#tokens) {
      const dueMs = soonest(managed);
      // A due token that is not used now is refreshed at its next use.
      if (dueMs > 0 || this.#options.wanted(managed)) napMs = Math.min(napMs, dueMs);
    }
    return Math.max(1, napMs);
  }

  #jumped(jumpMs: number): void {
    const { emit, random } = this.#options;
    emit({ type: "clock_jumped", jumpMs });
    for (const managed of this.#tokens) if (managed.dueInMs() <= 0) managed.postpone(random.fraction() * SPREAD_MS);
  }
}

/** Milliseconds until there is something to do. */
function soonest(managed: ManagedToken): number {
  return Math.min(managed.dueInMs(), managed.lookInMs());
}
