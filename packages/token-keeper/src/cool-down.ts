import type { Backoff } from "./backoff.ts";
import { TokenError } from "./errors.ts";
import type { GuardedCache } from "./guarded-cache.ts";
import { numberMember, parseObject } from "./json.ts";
import { pauseAfter } from "./pause.ts";
import type { SourceContext } from "./source.ts";

/** A pause that a clock set back made longer than this is not believed. */
const longestMs = 3_600_000;

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
    const [failures, until] = [state && numberMember(state, "failures"), state && numberMember(state, "until_ms")];
    if (failures === undefined || until === undefined) return 0;
    const leftMs = until - context.clock.now();
    if (leftMs <= 0 || leftMs > longestMs) return failures;
    const message = `Another process met error ${failures} in a row a moment ago`;
    throw new TokenError("cooling_down", message, { retryAfterMs: leftMs });
  }

  async start(error: TokenError, failures: number, context: SourceContext): Promise<void> {
    if (!error.retryable || error.code === "cooling_down" || context.signal.aborted) return;
    const { random, current, clock } = context;
    const leftMs = current?.untilExpired(clock.now());
    const pauseMs = pauseAfter(error, { backoff: this.#backoff, failures, random, leftMs });
    await this.#set(failures, context.clock.now() + pauseMs, context);
  }

  async end(context: SourceContext): Promise<void> {
    await this.#set(0, context.clock.now(), context);
  }

  async #set(failures: number, until: number, context: SourceContext): Promise<void> {
    const text = JSON.stringify({ failures, until_ms: until });
    await this.#cache.set(context, this.#key, text, until + 60_000);
  }
}
