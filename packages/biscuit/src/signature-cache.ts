import type { PublicKey } from "./crypto/keys.ts";

// Every byte decodes to a character of its own, so equal text means equal bytes.
const latin1 = new TextDecoder("latin1");

/**
 * Remembers signatures that were found valid, so that a token seen again, or one that extends it, costs no cryptography.
 *
 * A signature is a pure function of key, message and signature, and all three are in the cache's key; only valid ones
 * are kept, and the least recently used go first. Revocation and Datalog are judged anew each time.
 *
 * @example
 * const cache = new SignatureCache(4096);
 * const token = await Biscuit.parse(text).verify(rootKey, { cache });
 */
export class SignatureCache {
  readonly #capacity: number;
  readonly #entries = new Map<string, true>();

  /** @param capacity How many signatures are kept; a token has one for each block and third party, and its proof. */
  constructor(capacity = 4096) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`Cannot keep this number of signatures: ${capacity}`);
    }
    this.#capacity = capacity;
  }

  /** The number of signatures kept now. */
  get size(): number {
    return this.#entries.size;
  }

  /** The name of a signature in the cache. */
  static key(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): string {
    return `${publicKey}/${signature.length}/${latin1.decode(signature)}${latin1.decode(message)}`;
  }

  /** Whether this signature is known to be valid. */
  has(key: string): boolean {
    if (!this.#entries.delete(key)) return false;
    // Entered again as the most recent: a Map iterates in the order of insertion.
    this.#entries.set(key, true);
    return true;
  }

  /** Keeps a signature that was found valid. */
  add(key: string): void {
    this.#entries.set(key, true);
    if (this.#entries.size <= this.#capacity) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}
