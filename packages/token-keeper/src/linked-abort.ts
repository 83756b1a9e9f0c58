/** A controller that others can abort as well. */
export interface LinkedAbort extends Disposable {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
}

/**
 * A signal that follows others until it is disposed. `AbortSignal.any` leaves an entry in a long-lived signal for each
 * short-lived one that followed it: a process that waits for tokens all day would grow by that.
 */
export function linkedAbort(...others: readonly (AbortSignal | undefined)[]): LinkedAbort {
  const controller = new AbortController();
  const links = others
    .filter((other) => other !== undefined)
    .map((other) => {
      const follow = () => controller.abort(other.reason);
      if (other.aborted) follow();
      other.addEventListener("abort", follow, { once: true });
      return () => other.removeEventListener("abort", follow);
    });
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]() {
      for (const unlink of links) unlink();
    },
  };
}

/** Rejects with the signal's reason when it is aborted. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
