import { type Clock, monotonicOf } from "./clock.ts";
import { TokenError } from "./errors.ts";
import { aborted, linkedAbort } from "./linked-abort.ts";
import { sleepPatiently } from "./patience.ts";
import { lookEveryMs, type TokenSlot } from "./slot.ts";
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
  sleepPatiently(clock, timeoutMs, timer.signal).then(
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
    if (blockedMs > 0) {
      const found = await whileBlocked(slot, clock, ended, { blockedMs, deadlineAt });
      if (found !== undefined) return found;
      continue;
    }
    const settled = await Promise.race([attempt(slot), aborted(ended)]);
    if (!(settled instanceof TokenError)) return settled;
    if (!settled.retryable) throw settled;
  }
}

/** A token that somebody else got while no attempt may start; else undefined, when it is time to look again. */
async function whileBlocked(
  slot: TokenSlot,
  clock: Clock,
  ended: AbortSignal,
  { blockedMs, deadlineAt }: { readonly blockedMs: number; readonly deadlineAt: number },
): Promise<Token | undefined> {
  const known = slot.lastError;
  await Promise.race([slot.look(), aborted(ended)]);
  const found = usable(slot);
  if (found !== undefined) return found;
  // A pause that outlasts the caller, or an error that no attempt mends, is told now.
  if (known !== undefined && (!known.retryable || monotonicOf(clock) + blockedMs > deadlineAt)) throw known;
  // Others wait for the same moment: who wakes second finds a token, or a new pause.
  await clock.sleep(slot.canLook ? Math.min(blockedMs, lookEveryMs) : blockedMs, ended);
  return slot.hit() === undefined ? undefined : slot.token;
}

async function attempt(slot: TokenSlot): Promise<Token | TokenError> {
  return slot.refresh().catch((error: TokenError) => error);
}

async function settleWithin(work: Promise<unknown>, ms: number, clock: Clock, signal?: AbortSignal): Promise<void> {
  const ended = linkedAbort(signal);
  try {
    await Promise.race([work, sleepPatiently(clock, ms, ended.signal)]);
  } finally {
    ended.abort(undefined);
    ended[Symbol.dispose]();
  }
}
