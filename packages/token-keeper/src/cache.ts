/**
 * A place that keeps texts by key, shared or not. Keepers treat each failure as a miss. The value holds live tokens:
 * a cache that leaves the process must be as protected as the tokens themselves, or be wrapped in `sealedCache`.
 */
export interface TokenCache {
  /** For events and errors. */
  readonly name: string;
  /** The value, or undefined when there is none. */
  get(key: string): Promise<string | undefined>;
  /**
   * Replaces the value, atomically, and durably where the medium is durable. Without `expiresAt` it stays. No second
   * write to a key starts in this process before this one has resolved or rejected.
   */
  set(key: string, value: string, expiresAt?: number): Promise<void>;
}

/** The sole right to do something, until it is released or runs out. */
export interface Lease {
  /** Whether it was taken from a holder that had died or whose lease had run out. */
  readonly takenOver: boolean;
  /** Gives the lease back if it is still held. */
  release(): Promise<void>;
}

/** A cache that can also grant leases, with an atomic "create if absent". */
export interface LeasingCache extends TokenCache {
  /** A lease for `ttlMs`, or undefined while another holder has it. */
  lease(key: string, ttlMs: number): Promise<Lease | undefined>;
}

/** Whether a cache grants leases. */
export function isLeasing(cache: TokenCache): cache is LeasingCache {
  return "lease" in cache;
}
