import type { Biscuit } from "./biscuit.ts";
import { equalBytes } from "./crypto/bytes.ts";
import type { PublicKey } from "./crypto/keys.ts";
import { LruCache } from "./crypto/lru.ts";
import type { TokenLimits } from "./limits.ts";

/** Tokens and signed messages of up to this many bytes are remembered, so that an entry has a bound too. */
const MAX_BYTES = 4096;

/**
 * What the place of a whole token holds: its bytes and its text. A token that is kept takes up to some sixty times its
 * bytes, and its text as often as it is mentioned.
 */
const TOKEN_WEIGHT = 1024;

/** A signature with what it signs and by whose key. */
interface KnownSignature {
  readonly publicKey: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** A token that was verified. */
export interface KnownToken {
  readonly rootKey: PublicKey;
  readonly bytes: Uint8Array;
  readonly token: Biscuit;
  /** Its blocks, those of third parties twice. */
  readonly blocks: number;
  /** UTF-16 units of text in it when every mention is written out. */
  readonly text: number;
}

/** Whether a token would be verified under this root key and within these limits, as it was before. */
export function holdsFor({ rootKey, bytes, blocks, text }: KnownToken, key: PublicKey, limits: TokenLimits): boolean {
  const isWithin = bytes.length <= limits.maxTokenBytes && blocks <= limits.maxBlocks && text <= limits.maxText;
  return isWithin && rootKey.equals(key);
}

const weightOf = ({ bytes, text }: KnownToken): number => bytes.length + text;

/**
 * The last 48 bits, a name that is quick to make and to find. Signatures, secrets and so tokens end in bits that hardly
 * two have in common; where two do, one takes the other's place.
 */
function nameOf(bytes: Uint8Array): number {
  let name = 0;
  for (let i = Math.max(0, bytes.length - 6); i < bytes.length; i++) name = name * 256 + (bytes[i] ?? 0);
  return name;
}

/**
 * Remembers signatures that were found valid, so that a token seen again, or one that extends it, costs no cryptography.
 *
 * A signature is a pure function of key, message and signature, and all three are compared; a token seen twice is kept
 * whole, under its root key and every byte of it. Only what is valid is kept, and what was not used for long goes first.
 * Revocation and Datalog are judged anew each time.
 *
 * @example
 * const cache = new SignatureCache(4096);
 * const token = await verifyToken(text, rootKey, { cache });
 */
export class SignatureCache {
  readonly #signatures: LruCache<KnownSignature, number>;
  readonly #tokens: LruCache<KnownToken, number>;

  /**
   * @param capacity How many signatures are kept, and a quarter as many whole tokens of 1 kB, their text written out; what
   * is longer than 4 kB is verified each time. @default 4096
   */
  constructor(capacity = 4096) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      throw new RangeError(`Cannot keep this number of signatures: ${capacity}`);
    }
    this.#signatures = new LruCache(capacity);
    this.#tokens = new LruCache(Math.ceil(capacity / 4) * TOKEN_WEIGHT, weightOf);
  }

  /** The number of signatures kept now. */
  get size(): number {
    return this.#signatures.size;
  }

  /** Whether this signature is known to be valid. */
  has(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
    const known = this.#signatures.get(nameOf(signature));
    return (
      known?.publicKey.equals(publicKey) === true &&
      equalBytes(known.signature, signature) &&
      equalBytes(known.message, message)
    );
  }

  /** Keeps a signature that was found valid. */
  add(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): void {
    if (message.length > MAX_BYTES) return;
    // A copy, as the signature of a token is a view on all of its bytes.
    this.#signatures.set(nameOf(signature), { publicKey, message, signature: signature.slice() });
  }

  /** The token of exactly these bytes, if it was verified under some root key: ask {@link holdsFor} before using it. */
  find(bytes: Uint8Array): KnownToken | undefined {
    if (bytes.length > MAX_BYTES) return undefined;
    const known = this.#tokens.get(nameOf(bytes));
    return known !== undefined && equalBytes(known.bytes, bytes) ? known : undefined;
  }

  /** Keeps a token that was verified under this root key. */
  addToken(known: KnownToken): void {
    if (weightOf(known) <= MAX_BYTES) this.#tokens.set(nameOf(known.bytes), known);
  }
}
