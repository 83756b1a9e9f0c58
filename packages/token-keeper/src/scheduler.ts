import { type Clock, monotonicOf } from "./clock.ts";
import type { TokenEvent } from "./events.ts";
import type { Random } from "./random.ts";
import type { TokenSlot } from "./slot.ts";

/** Timers stand still while a machine sleeps: no nap is longer, so that a thaw is noticed soon. */
const longestNapMs = 30_000;
/** How far the two clocks may drift apart in one nap before it is a jump. */
const jumpToleranceMs = 2_000;
/** What a jump makes due at once is spread over this. */
const spreadMs = 5_000;

/** What a {@link Scheduler} works with. */
export interface SchedulerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: TokenEvent) => void;
  /** Whether a due slot is refreshed. */
  readonly wanted: (slot: TokenSlot) => boolean;
}

/** One timer for any number of slots. It holds no process alive. */
export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #slots = new Set<TokenSlot>();
  #nap = new AbortController();
  #napUntil = Number.POSITIVE_INFINITY;
  #closed = false;
  #running = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  add(slot: TokenSlot): void {
    this.#slots.add(slot);
    this.wake(slot);
  }

  delete(slot: TokenSlot): void {
    this.#slots.delete(slot);
  }

  /** Looks again when a slot has become due sooner than the end of the nap. */
  wake(slot: TokenSlot): void {
    if (this.#closed || !this.#slots.has(slot)) return;
    if (!this.#running) void this.#run();
    else if (monotonicOf(this.#options.clock) + soonest(slot) < this.#napUntil) this.#nap.abort();
  }

  close(): void {
    this.#closed = true;
    this.#slots.clear();
    this.#nap.abort();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (!this.#closed && this.#slots.size > 0) {
      for (const slot of this.#slots) this.#visit(slot);
      await this.#sleep();
    }
    this.#running = false;
  }

  #visit(slot: TokenSlot): void {
    slot.status();
    if (!this.#options.wanted(slot)) return;
    if (slot.dueInMs() <= 0) void slot.refreshQuietly();
    else if (slot.lookInMs() <= 0) void slot.look();
  }

  async #sleep(): Promise<void> {
    const { clock } = this.#options;
    const [wall, monotonic] = [clock.now(), monotonicOf(clock)];
    const napMs = this.#napMs();
    this.#napUntil = monotonic + napMs;
    this.#nap = new AbortController();
    await clock.sleep(napMs, this.#nap.signal, { keepAlive: false }).catch(() => undefined);
    const jumpMs = clock.now() - wall - (monotonicOf(clock) - monotonic);
    if (Math.abs(jumpMs) > jumpToleranceMs && !this.#closed) this.#jumped(jumpMs);
  }

  #napMs(): number {
    let napMs = longestNapMs;
    for (const slot of this.#slots) {
      const dueMs = soonest(slot);
      // A due slot that nobody wants now is refreshed when it is used.
      if (dueMs > 0 || this.#options.wanted(slot)) napMs = Math.min(napMs, dueMs);
    }
    return Math.max(1, napMs);
  }

  #jumped(jumpMs: number): void {
    const { emit, random } = this.#options;
    emit({ type: "clock_jumped", jumpMs });
    for (const slot of this.#slots) if (slot.dueInMs() <= 0) slot.postpone(random.fraction() * spreadMs);
  }
}

/** Milliseconds until there is something to do. */
function soonest(slot: TokenSlot): number {
  return Math.min(slot.dueInMs(), slot.lookInMs());
}
