import type { Backoff } from "./backoff.ts";
import { TokenError } from "./errors.ts";
import type { GuardedCache } from "./guarded-cache.ts";
import { numberMember, parseObject } from "./json.ts";
import { pauseAfter } from "./pause.ts";
import { longestPauseMs } from "./retry-after.ts";
import type { SourceContext } from "./source.ts";

/** How far the clocks of a fleet may be apart: a pause that seems longer than it was meant, or can be, is not believed. */
const clockToleranceMs = 2_000;

/**
 * Backoff that a fleet shares: after a retryable error the cache says how long nobody asks the server again. Without it
 * each process would begin with the shortest pause of its own. Terminal errors are not shared: another process may have
 * better credentials.
 */
export class CoolDown {
  readonly #cache: GuardedCache;
  readonly #key: string;
  readonly #backoff: Backoff;

  constructor(cache: GuardedCache, key: string, backoff: Backoff) {
    this.#cache = cache;
    this.#key = `cool-down:${key}`;
    this.#backoff = backoff;
  }

  /**
   * How many errors the fleet has met in a row.
   * @throws TokenError `cooling_down` while the pause lasts.
   */
  async check(context: SourceContext): Promise<number> {
    const { value } = await this.#cache.get(context, this.#key);
    const state = value === undefined ? undefined : parseObject(value);
    if (state === undefined) return 0;
    const [failures, until, pauseMs] = ["failures", "until_ms", "pause_ms"].map((name) => numberMember(state, name));
    if (failures === undefined || until === undefined || pauseMs === undefined) return 0;
    const leftMs = until - context.clock.now();
    if (leftMs <= 0 || leftMs > Math.min(pauseMs, longestPauseMs) + clockToleranceMs) return failures;
    const message = `Another process met error ${failures} in a row a moment ago`;
    throw new TokenError("cooling_down", message, { retryAfterMs: leftMs });
  }

  async start(error: TokenError, failures: number, context: SourceContext): Promise<void> {
    if (!error.retryable || error.code === "cooling_down" || context.signal.aborted) return;
    const { random, current, clock } = context;
    const leftMs = current?.untilExpired(clock.now());
    const pauseMs = pauseAfter(error, { backoff: this.#backoff, failures, random, leftMs });
    await this.#set(failures, Math.min(pauseMs, longestPauseMs), context);
  }

  async end(context: SourceContext): Promise<void> {
    await this.#set(0, 0, context);
  }

  async #set(failures: number, pauseMs: number, context: SourceContext): Promise<void> {
    const until = context.clock.now() + pauseMs;
    const text = JSON.stringify({ failures, until_ms: until, pause_ms: pauseMs });
    await this.#cache.set(context, this.#key, text, until + 60_000);
  }
}
