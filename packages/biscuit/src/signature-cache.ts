import type { Biscuit } from "./biscuit.ts";
import { equalBytes, toHex } from "./crypto/bytes.ts";
import type { PublicKey } from "./crypto/keys.ts";
import { LruCache } from "./crypto/lru.ts";

// Every byte decodes to a character of its own, so equal text means equal bytes.
const latin1 = new TextDecoder("latin1");

/** Tokens and signed messages of up to this many bytes are remembered, so that an entry has a bound too. */
const MAX_BYTES = 4096;

/** What a signature is known to sign, and by whose key. */
interface KnownSignature {
  readonly publicKey: PublicKey;
  readonly message: Uint8Array;
}

interface KnownToken {
  readonly bytes: Uint8Array;
  readonly token: Biscuit;
}

/** A name short enough to be made for each look-up; a token ends with its proof, which hardly two have in common. */
function tokenName(rootKey: PublicKey, bytes: Uint8Array): string {
  return `${rootKey}/${toHex(bytes.subarray(-16))}`;
}

/**
 * Remembers signatures that were found valid, so that a token seen again, or one that extends it, costs no cryptography.
 *
 * A signature is a pure function of key, message and signature, and all three are compared; a token seen twice is kept
 * whole, under its root key and every byte of it. Only what is valid is kept, and the least recently used goes first.
 * Revocation and Datalog are judged anew each time.
 *
 * @example
 * const cache = new SignatureCache(4096);
 * const token = await Biscuit.parse(text).verify(rootKey, { cache });
 */
export class SignatureCache {
  readonly #signatures: LruCache<KnownSignature>;
  readonly #tokens: LruCache<KnownToken>;

  /**
   * @param capacity How many signatures are kept, and a quarter as many whole tokens; what is longer than 4 kB is verified
   * each time. @default 4096
   */
  constructor(capacity = 4096) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`Cannot keep this number of signatures: ${capacity}`);
    }
    this.#signatures = new LruCache(capacity);
    this.#tokens = new LruCache(Math.ceil(capacity / 4));
  }

  /** The number of signatures kept now. */
  get size(): number {
    return this.#signatures.size;
  }

  /** Whether this signature is known to be valid. */
  has(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
    const known = this.#signatures.get(latin1.decode(signature));
    return known?.publicKey.equals(publicKey) === true && equalBytes(known.message, message);
  }

  /** Keeps a signature that was found valid. */
  add(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): void {
    if (message.length <= MAX_BYTES) this.#signatures.set(latin1.decode(signature), { publicKey, message });
  }

  /** The token that was verified under this root key, if these are its bytes. */
  token(rootKey: PublicKey, bytes: Uint8Array): Biscuit | undefined {
    if (bytes.length > MAX_BYTES) return undefined;
    const known = this.#tokens.get(tokenName(rootKey, bytes));
    return known !== undefined && equalBytes(known.bytes, bytes) ? known.token : undefined;
  }

  /** Keeps a token that was verified under this root key. */
  addToken(rootKey: PublicKey, bytes: Uint8Array, token: Biscuit): void {
    if (bytes.length <= MAX_BYTES) this.#tokens.set(tokenName(rootKey, bytes), { bytes, token });
  }
}
