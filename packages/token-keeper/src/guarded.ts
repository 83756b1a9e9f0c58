import type { TokenCache } from "./cache.ts";
import { TokenError } from "./errors.ts";
import type { SourceContext } from "./source.ts";

/** What came of an operation on a cache. */
export interface Guarded<T> {
  readonly failed: boolean;
  readonly value?: T | undefined;
  readonly error?: unknown;
}

/**
 * Runs an operation on a cache so that it can neither throw nor hang: a client that queues commands while its server is
 * away would stop the refreshing for ever. A failure is an event.
 */
export async function guarded<T>(
  cache: TokenCache,
  operation: "get" | "set" | "lease",
  context: SourceContext,
  timeoutMs: number,
  run: () => Promise<T>,
): Promise<Guarded<T>> {
  const timer = new AbortController();
  try {
    const late = context.clock.sleep(timeoutMs, timer.signal).then(() => {
      throw new TokenError("timed_out", `The cache did not answer within ${timeoutMs} ms: ${cache.name}`);
    });
    return { failed: false, value: await Promise.race([run(), late]) };
  } catch (error) {
    context.emit({ type: "cache_failed", cache: cache.name, operation, error });
    return { failed: true, error };
  } finally {
    timer.abort();
  }
}
