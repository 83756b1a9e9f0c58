import { equalBytes } from "./encoding/bytes.ts";
import { toHex } from "./encoding/text.ts";
import type { SignatureAlgorithm } from "./x509/algorithms.ts";

/** What a signature is over, and under which key. */
interface Statement {
  readonly algorithm: SignatureAlgorithm;
  readonly spki: Uint8Array;
  readonly data: Uint8Array;
}

/** The most signatures that are remembered where nothing else is said. */
const MOST = 256;

/**
 * Remembers signatures that were found to hold: that one holds for these bytes under this key does not change. Certificates,
 * revocation lists and collateral are the same for many quotes; with a cache only what is new is computed. It remembers
 * nothing about times, revocation or policies, which are judged every time.
 *
 * @example
 * const cache = new VerificationCache();
 * await appraiseQuote(quote, { collateral, at: Date.now(), policy, cache });
 */
export class VerificationCache {
  readonly #most: number;
  readonly #known = new Map<string, Statement>();

  /** Makes a cache of at most so many signatures. */
  constructor(most: number = MOST) {
    if (!(most >= 1)) throw new RangeError(`Cannot remember ${most} signatures: at least 1 is needed`);
    this.#most = most;
  }

  /**
   * Whether a signature is known to hold: for exactly these bytes, under exactly this key.
   *
   * @internal
   */
  holds(signature: Uint8Array, { algorithm, spki, data }: Statement): boolean {
    const known = this.#known.get(toHex(signature));
    if (known === undefined || known.algorithm !== algorithm) return false;
    return equalBytes(known.spki, spki) && equalBytes(known.data, data);
  }

  /**
   * Remembers a signature that holds; the one that was first remembered makes room.
   *
   * @internal
   */
  remember(signature: Uint8Array, { algorithm, spki, data }: Statement): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= this.#most) this.#known.delete(oldest);
    // Copies: whoever gave the bytes may change them.
    this.#known.set(toHex(signature), { algorithm, spki: spki.slice(), data: data.slice() });
  }
}
