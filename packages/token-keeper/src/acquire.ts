import { aborted, linkedAbort, sleepToDeadline } from "./deadline.ts";
import { TokenError } from "./errors.ts";
import { LOOK_INTERVAL_MS, type ManagedToken } from "./managed-token.ts";
import { type Clock, monotonicOf } from "./ports.ts";
import type { Token } from "./token.ts";

/** How a caller waits for a token. */
export interface GetTokenOptions {
  /** Ends this caller's wait. The refresh goes on for the others. */
  readonly signal?: AbortSignal | undefined;
  /** How long a caller waits when no usable token is held. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** Keeps a serverless runtime alive until the refresh behind a stale token is done. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

/**
 * A usable token from a managed token. Due, but far from expiry: the held token at once, and one refresh behind it. Near expiry:
 * waits for that refresh, and falls back on the held token while it lives. None or expired: waits, with retries, up to the
 * deadline. Never an expired token.
 *
 * @throws TokenError the terminal error, or the last one when the deadline comes (`deadline_exceeded` when there was
 * none). @throws the signal's reason when the caller's signal is aborted; the refresh goes on for the others.
 */
export async function acquire(managed: ManagedToken, clock: Clock, options: GetTokenOptions): Promise<Token> {
  options.signal?.throwIfAborted();
  const held = usable(managed);
  if (held === undefined) return waitForToken(managed, clock, options);
  const mayStart = managed.refreshing || (managed.blockedMs() === 0 && managed.dueInMs() <= 0);
  if (!mayStart) return held;
  const refresh = managed.refreshQuietly();
  if (!managed.isMandatory()) {
    options.waitUntil?.(refresh);
    return held;
  }
  const patienceMs = Math.min(options.timeoutMs ?? 30_000, held.untilExpired(managed.now()) / 2);
  await settleWithin(refresh, patienceMs, clock, options.signal);
  return usable(managed) ?? waitForToken(managed, clock, options);
}

function usable(managed: ManagedToken): Token | undefined {
  return managed.status() === "expired" ? undefined : managed.token;
}

async function waitForToken(managed: ManagedToken, clock: Clock, options: GetTokenOptions): Promise<Token> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const ended = linkedAbort(managed.closed, options.signal);
  const timer = new AbortController();
  sleepToDeadline(clock, timeoutMs, timer.signal).then(
    () => ended.abort(managed.lastError ?? new TokenError("deadline_exceeded", `No token within ${timeoutMs} ms`)),
    () => undefined,
  );
  managed.waiters++;
  try {
    return await retryUntil(managed, clock, ended.signal, monotonicOf(clock) + timeoutMs);
  } finally {
    managed.waiters--;
    timer.abort();
    ended[Symbol.dispose]();
  }
}

async function retryUntil(managed: ManagedToken, clock: Clock, ended: AbortSignal, deadlineAt: number): Promise<Token> {
  for (;;) {
    const blockedMs = managed.refreshing ? 0 : managed.blockedMs();
    if (blockedMs > 0) {
      const found = await whileBlocked(managed, clock, ended, { blockedMs, deadlineAt });
      if (found !== undefined) return found;
      continue;
    }
    const settled = await Promise.race([attempt(managed), aborted(ended)]);
    if (!(settled instanceof TokenError)) return settled;
    if (!settled.retryable) throw settled;
  }
}

/** A token that another process got while no attempt may start; undefined when it is time to try again. */
async function whileBlocked(
  managed: ManagedToken,
  clock: Clock,
  ended: AbortSignal,
  { blockedMs, deadlineAt }: { readonly blockedMs: number; readonly deadlineAt: number },
): Promise<Token | undefined> {
  const known = managed.lastError;
  await Promise.race([managed.look(), aborted(ended)]);
  const found = usable(managed);
  if (found !== undefined) return found;
  // A pause that outlasts the caller, or an error that no attempt mends, is told now.
  if (known !== undefined && (!known.retryable || monotonicOf(clock) + blockedMs > deadlineAt)) throw known;
  // Several callers wake at the same moment: all but the first find a token, or a new pause.
  await clock.sleep(managed.canLook ? Math.min(blockedMs, LOOK_INTERVAL_MS) : blockedMs, ended);
  return managed.hit() === undefined ? undefined : managed.token;
}

async function attempt(managed: ManagedToken): Promise<Token | TokenError> {
  return managed.refresh().catch((error: TokenError) => error);
}

async function settleWithin(work: Promise<unknown>, ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  const ended = linkedAbort(signal);
  try {
    await Promise.race([work, sleepToDeadline(clock, ms, ended.signal)]);
  } finally {
    ended.abort(undefined);
    ended[Symbol.dispose]();
  }
}

/** Something that hands out a usable token: a watcher, or one token of a manager. */
export interface TokenProvider {
  /** A usable token: fresh, or stale but alive; never an expired one. */
  getToken(options?: GetTokenOptions): Promise<Token>;
  /** Tells that a resource server refused this token; true when it was the one held. */
  invalidate(token: Token): boolean;
}
