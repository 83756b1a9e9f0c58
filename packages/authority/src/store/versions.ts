import type { Clock } from "@countersign/protocol";

/**
 * A source of versions that never repeat: microseconds of the wall clock, pushed on by one where the clock has not
 * moved. A counter per item would start again after the item was removed, and a stale reader's swap would then hit
 * the item that took its place.
 */
export function createVersions(clock: Clock): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, Math.floor(clock.now() * 1000));
    return last;
  };
}
