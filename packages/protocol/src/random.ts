import { randomFillSync } from "node:crypto";
import { toBase64url } from "./encoding.ts";

/**
 * Where randomness comes from. Tests pass a seeded one, production the system's.
 *
 * @example
 * ```ts
 * import { systemRandom } from "@countersign/protocol";
 * const nonce = systemRandom.bytes(16);
 * ```
 */
export interface Random {
  /**
   * `length` unpredictable bytes, freshly allocated.
   *
   * @throws {RangeError} when the length is no whole number from 0.
   */
  bytes(length: number): Uint8Array;
}

const POOL_BYTES = 4096;
let pool = new Uint8Array(0);
let used = 0;

/** The operating system's randomness, drawn in blocks because a system call for 16 bytes costs as much as for 4,096. */
export const systemRandom: Random = {
  bytes(length) {
    // Anything else would move the mark in the pool: back, to bytes that were given out, or to NaN, where all are empty.
    if (!(Number.isSafeInteger(length) && length >= 0)) throw new RangeError(`Cannot draw bytes of length: ${length}`);
    if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
    if (used + length > pool.length) {
      pool = randomFillSync(new Uint8Array(POOL_BYTES));
      used = 0;
    }
    used += length;
    return pool.slice(used - length, used);
  },
};

/** A secret of `length` random bytes as base64url text: 32 bytes are 256 bits in 43 characters. */
export function randomSecret(random: Random, length = 32): string {
  return toBase64url(random.bytes(length));
}

/** A version 4 UUID drawn from the port (RFC 9562 section 5.4). */
export function randomUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
