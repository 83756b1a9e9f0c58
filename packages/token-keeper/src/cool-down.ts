import { type Backoff, pauseAfter } from "./backoff.ts";
import { base64url } from "./encoding.ts";
import { TokenError, withPause } from "./errors.ts";
import type { GuardedCache } from "./guarded-cache.ts";
import { MAX_RETRY_AFTER_MS } from "./http.ts";
import { numberMember, parseObject, stringMember } from "./json.ts";
import { systemRandom } from "./ports.ts";
import type { SourceContext } from "./source.ts";

/** How far the clocks of a fleet may be apart: an entry whose pause seems longer than its own length is ignored. */
const CLOCK_TOLERANCE_MS = 2_000;
/** A pause with less left than this is over: timers and clocks differ by that much. */
const NEGLIGIBLE_PAUSE_MS = 50;

/**
 * Whose fault an error is. What the server said concerns all who ask it; that it could not be reached may be one's own
 * network, and concerns those who could not reach it either.
 */
const KEY_PREFIXES = { server: "cool-down", network: "cool-down-network" } as const;
type Kind = keyof typeof KEY_PREFIXES;

interface SharedPause {
  readonly owner: string | undefined;
  readonly failures: number;
  readonly leftMs: number;
  readonly status: number | undefined;
}

/**
 * Backoff that a fleet shares: after a retryable error the cache says how long nobody asks the server again. Without it
 * each process would begin with the shortest pause of its own. Terminal errors are not shared: another process may have
 * better credentials.
 */
export class CoolDown {
  readonly #cache: GuardedCache;
  readonly #key: string;
  readonly #backoff: Backoff;
  readonly #owner = base64url(systemRandom.bytes(9));

  constructor(cache: GuardedCache, key: string, backoff: Backoff) {
    this.#cache = cache;
    this.#key = key;
    this.#backoff = backoff;
  }

  /**
   * Whether there is something to {@link end}.
   * @throws TokenError `cooling_down` while a pause lasts that another began and that concerns this process.
   */
  async check(context: SourceContext): Promise<boolean> {
    const { server, network } = await this.#pauses(context);
    const holding = [server, ...(isUnreachableHere(context) ? [network] : [])].filter((pause) => this.#holds(pause));
    const longest = holding.reduce<SharedPause | undefined>(
      (one, other) => (one !== undefined && one.leftMs >= (other?.leftMs ?? 0) ? one : other),
      undefined,
    );
    if (longest === undefined) return server !== undefined || network !== undefined;
    const message = `Another process met error ${longest.failures} in a row a moment ago`;
    const { leftMs, status } = longest;
    throw new TokenError("cooling_down", message, { status, retryAfterMs: leftMs, pauseMs: leftMs });
  }

  /** Whether others cannot reach the server, so that what they hold is not worth waiting for while we may. */
  async isOthersNetwork(context: SourceContext): Promise<boolean> {
    return !isUnreachableHere(context) && ((await this.#pauses(context)).network?.failures ?? 0) > 0;
  }

  /** Begins the pause, or joins the one that others began. @returns the error with the pause that is every member's. */
  async begin(error: TokenError, context: SourceContext): Promise<TokenError> {
    if (!error.retryable || error.code === "cooling_down" || context.signal.aborted) return error;
    const kind: Kind = error.status === undefined ? "network" : "server";
    const known = (await this.#pauses(context))[kind];
    if (kind === "network" && known !== undefined && this.#holds(known)) return withPause(error, known.leftMs);
    // A cache that is away counts nothing.
    const step = Math.max(known?.failures ?? 0, context.failures ?? 0) + 1;
    const leftMs = context.current?.untilExpired(context.clock.now());
    const { random } = context;
    const pause = pauseAfter(error, { backoff: this.#backoff, failures: step, random, leftMs });
    const pauseMs = Math.min(pause.ms, MAX_RETRY_AFTER_MS);
    await this.#set(kind, { failures: pause.urgent ? step - 1 : step, pauseMs, status: error.status }, context);
    return withPause(error, pauseMs);
  }

  /** The server answered: what was wrong is mended. */
  async end(context: SourceContext): Promise<void> {
    const pauses = await this.#pauses(context);
    for (const kind of ["server", "network"] as const)
      if ((pauses[kind]?.failures ?? 0) > 0 || (pauses[kind]?.leftMs ?? 0) > 0)
        await this.#set(kind, { failures: 0, pauseMs: 0, status: undefined }, context);
  }

  #holds(pause: SharedPause | undefined): pause is SharedPause {
    return pause !== undefined && pause.leftMs > NEGLIGIBLE_PAUSE_MS && pause.owner !== this.#owner;
  }

  async #pauses(context: SourceContext): Promise<{ readonly [kind in Kind]: SharedPause | undefined }> {
    return { server: await this.#pause("server", context), network: await this.#pause("network", context) };
  }

  async #pause(kind: Kind, context: SourceContext): Promise<SharedPause | undefined> {
    const { value } = await this.#cache.get(context, `${KEY_PREFIXES[kind]}:${this.#key}`);
    const state = value === undefined ? undefined : parseObject(value);
    if (state === undefined) return undefined;
    const [failures, until, pauseMs] = ["failures", "until_ms", "pause_ms"].map((name) => numberMember(state, name));
    if (failures === undefined || until === undefined || pauseMs === undefined) return undefined;
    const leftMs = until - context.clock.now();
    const isBelieved = leftMs <= Math.min(pauseMs, MAX_RETRY_AFTER_MS) + CLOCK_TOLERANCE_MS;
    const [owner, status] = [stringMember(state, "owner"), numberMember(state, "status")];
    return { owner, failures, leftMs: isBelieved ? leftMs : 0, status };
  }

  async #set(
    kind: Kind,
    { failures, pauseMs, status }: { failures: number; pauseMs: number; status: number | undefined },
    context: SourceContext,
  ): Promise<void> {
    const until = context.clock.now() + pauseMs;
    const state = { owner: this.#owner, failures, until_ms: until, pause_ms: pauseMs, status };
    await this.#cache.set(context, `${KEY_PREFIXES[kind]}:${this.#key}`, JSON.stringify(state), until + 60_000);
  }
}

/** Whether this process could not reach the server itself when it last tried. */
function isUnreachableHere({ lastError }: SourceContext): boolean {
  return lastError?.retryable === true && lastError.status === undefined;
}
