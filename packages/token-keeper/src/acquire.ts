import { type Clock, monotonicOf } from "./clock.ts";
import { TokenError } from "./errors.ts";
import { aborted, linkedAbort } from "./linked-abort.ts";
import type { TokenSlot } from "./slot.ts";
import type { Token } from "./token.ts";

/** How a caller waits for a token. */
export interface GetTokenOptions {
  readonly signal?: AbortSignal | undefined;
  /** How long a caller waits when no usable token is held. @default 30000 */
  readonly timeoutMs?: number | undefined;
  /** Keeps a serverless runtime alive until the refresh behind a stale token is done. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
}

/**
 * A usable token from a slot. Due, but far from expiry: the held token at once, and one refresh behind it. Near expiry:
 * waits for that refresh, and falls back on the held token while it lives. None or expired: waits, with retries, up to the
 * deadline. Never an expired token.
 *
 * @throws TokenError the terminal error, or the last one when the deadline comes (`deadline_exceeded` when there was
 * none). @throws the signal's reason when the caller's signal is aborted; the refresh goes on for the others.
 */
export async function acquire(slot: TokenSlot, clock: Clock, options: GetTokenOptions): Promise<Token> {
  options.signal?.throwIfAborted();
  const held = usable(slot);
  if (held === undefined) return waitForToken(slot, clock, options);
  const mayStart = slot.refreshing || (slot.blockedMs() === 0 && slot.dueInMs() <= 0);
  if (!mayStart) return held;
  const refresh = slot.refreshQuietly();
  if (!slot.isMandatory()) {
    options.waitUntil?.(refresh);
    return held;
  }
  const patienceMs = Math.min(options.timeoutMs ?? 30_000, held.untilExpired(slot.now()) / 2);
  await settleWithin(refresh, patienceMs, clock, options.signal);
  return usable(slot) ?? waitForToken(slot, clock, options);
}

function usable(slot: TokenSlot): Token | undefined {
  return slot.status() === "expired" ? undefined : slot.token;
}

async function waitForToken(slot: TokenSlot, clock: Clock, options: GetTokenOptions): Promise<Token> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const ended = linkedAbort(slot.closed, options.signal);
  const timer = new AbortController();
  clock.sleep(timeoutMs, timer.signal).then(
    () => ended.abort(slot.lastError ?? new TokenError("deadline_exceeded", `No token within ${timeoutMs} ms`)),
    () => undefined,
  );
  slot.waiters++;
  try {
    return await retryUntil(slot, clock, ended.signal, monotonicOf(clock) + timeoutMs);
  } finally {
    slot.waiters--;
    timer.abort();
    ended[Symbol.dispose]();
  }
}

async function retryUntil(slot: TokenSlot, clock: Clock, ended: AbortSignal, deadlineAt: number): Promise<Token> {
  for (;;) {
    const blockedMs = slot.refreshing ? 0 : slot.blockedMs();
    const known = slot.lastError;
    // A pause that outlasts the caller, or an error that no attempt mends, is told now.
    if (blockedMs > 0 && known !== undefined && (!known.retryable || monotonicOf(clock) + blockedMs > deadlineAt))
      throw known;
    if (blockedMs > 0) {
      // Others wait for the same moment: who wakes second finds a token, or a new pause.
      await clock.sleep(blockedMs, ended);
      if (slot.hit() !== undefined && slot.token !== undefined) return slot.token;
      continue;
    }
    const settled = await Promise.race([attempt(slot), aborted(ended)]);
    if (!(settled instanceof TokenError)) return settled;
    if (!settled.retryable) throw settled;
  }
}

async function attempt(slot: TokenSlot): Promise<Token | TokenError> {
  return slot.refresh().catch((error: TokenError) => error);
}

async function settleWithin(work: Promise<unknown>, ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  const ended = linkedAbort(signal);
  try {
    await Promise.race([work, clock.sleep(ms, ended.signal)]);
  } finally {
    ended.abort(undefined);
    ended[Symbol.dispose]();
  }
}
