import { concatBytes, equalBytes } from "./crypto/bytes.ts";
import type { PublicKey } from "./crypto/keys.ts";
import { LruCache } from "./crypto/lru.ts";
import { algorithmNumber, type ExternalSignature, type SignedBlock } from "./format/wrapper.ts";
import type { TokenLimits } from "./limits.ts";
import type { Chain, DecodedBlocks } from "./token-model.ts";

/** A token that was verified. */
export interface KnownToken {
  readonly kind: "token";
  readonly rootKey: PublicKey;
  readonly bytes: Uint8Array;
  readonly chain: Chain;
  /** Its blocks, those of third parties twice. */
  readonly blocks: number;
  /** UTF-16 units of text in it when every mention is written out. */
  readonly text: number;
}

/** The first blocks of tokens, verified and decoded. */
export interface KnownBeginning {
  readonly kind: "beginning";
  readonly rootKey: PublicKey;
  readonly signed: readonly SignedBlock[];
  readonly decoded: DecodedBlocks;
}

/** Whether a token would be verified under this root key and within these limits, as it was before. */
export function holdsFor({ rootKey, bytes, blocks, text }: KnownToken, key: PublicKey, limits: TokenLimits): boolean {
  const isWithin = bytes.length <= limits.maxTokenBytes && blocks <= limits.maxBlocks && text <= limits.maxText;
  return isWithin && rootKey.equals(key);
}

function equalExternal(left: ExternalSignature | undefined, right: ExternalSignature | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return equalBytes(left.signature, right.signature) && left.publicKey.equals(right.publicKey);
}

function equalBlocks(left: SignedBlock, right: SignedBlock): boolean {
  return (
    equalBytes(left.signature, right.signature) &&
    equalBytes(left.data, right.data) &&
    left.nextKey.equals(right.nextKey) &&
    left.version === right.version &&
    equalExternal(left.external, right.external)
  );
}

/**
 * Whether these blocks begin with the known ones, under the same root key. Every byte counts: a signature of version 0
 * does not cover the blocks before its own.
 */
function beginsWith(blocks: readonly SignedBlock[], known: KnownBeginning, rootKey: PublicKey): boolean {
  if (!known.rootKey.equals(rootKey)) return false;
  return known.signed.every((block, i) => {
    const given = blocks[i];
    return given !== undefined && equalBlocks(block, given);
  });
}

/** Bytes that a known thing holds, with its text written out; blocks are views on all bytes of some token. */
function weightOf(known: KnownToken | KnownBeginning): number {
  if (known.kind === "token") return known.bytes.length + known.text;
  return (known.signed[0]?.data.buffer.byteLength ?? 0) + known.decoded.table.textRead;
}

/** Tokens and signed messages of up to this many bytes are remembered, so that an entry has a bound too. */
const MAX_BYTES = 4096;

/**
 * What the place of a token holds: its bytes and its text. A token that is kept takes up to some sixty times its bytes,
 * and its text as often as it is mentioned.
 */
const TOKEN_WEIGHT = 1024;

/**
 * The last 48 bits, a name that is quick to make and to find. Signatures, secrets and so tokens end in bits that hardly
 * two have in common; where two do, one takes the other's place.
 */
function nameOf(bytes: Uint8Array): number {
  let name = 0;
  for (let i = Math.max(0, bytes.length - 6); i < bytes.length; i++) name = name * 256 + (bytes[i] ?? 0);
  return name;
}

/** A signature with all it depends on, in one piece: thousands of these are kept. */
function recordOf(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): Uint8Array {
  const lengths = Uint8Array.of(algorithmNumber(publicKey.algorithm), signature.length);
  return concatBytes(lengths, publicKey.toBytes(), signature, message);
}

/**
 * Remembers signatures that were found valid, so that a token seen again, or one that extends it, costs no cryptography
 * for what is known.
 *
 * A signature is a pure function of key, message and signature, and all three are compared; a token seen twice is kept
 * whole, and so are the first blocks that several tokens share, under their root key and every byte. Only what is valid
 * is kept, and what was not used for long goes first. Revocation and Datalog are judged anew each time.
 *
 * @example
 * const cache = new SignatureCache(4096);
 * const token = await verifyToken(text, rootKey, { cache });
 */
export class SignatureCache {
  readonly #signatures: LruCache<Uint8Array, number>;
  readonly #tokens: LruCache<KnownToken | KnownBeginning, number>;

  /**
   * @param capacity How many signatures are kept, and a quarter as many tokens of 1 kB, or beginnings of tokens, their
   * text written out; what is longer than 4 kB is verified each time. @default 4096
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

  /**
   * Whether this signature is known to be valid.
   *
   * @internal
   */
  has(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): boolean {
    const known = this.#signatures.get(nameOf(signature));
    return known !== undefined && equalBytes(known, recordOf(publicKey, message, signature));
  }

  /**
   * Keeps a signature that was found valid.
   *
   * @internal
   */
  add(publicKey: PublicKey, message: Uint8Array, signature: Uint8Array): void {
    if (message.length <= MAX_BYTES) this.#signatures.set(nameOf(signature), recordOf(publicKey, message, signature));
  }

  /**
   * The token of exactly these bytes, if it was verified under some root key: ask {@link holdsFor} before using it.
   *
   * @internal
   */
  find(bytes: Uint8Array): KnownToken | undefined {
    if (bytes.length > MAX_BYTES) return undefined;
    const known = this.#tokens.get(nameOf(bytes));
    return known?.kind === "token" && equalBytes(known.bytes, bytes) ? known : undefined;
  }

  /**
   * Keeps a token that was verified under this root key.
   *
   * @internal
   */
  addToken(known: KnownToken): void {
    this.#keep(nameOf(known.bytes), known);
  }

  /**
   * The longest beginning of these blocks that was verified under this root key, if its text is within the limit.
   *
   * @internal
   */
  findBeginning(
    blocks: readonly SignedBlock[],
    rootKey: PublicKey,
    { maxText }: TokenLimits,
  ): KnownBeginning | undefined {
    for (const { signature } of blocks.toReversed()) {
      const known = this.#tokens.get(nameOf(signature));
      if (known?.kind !== "beginning" || known.decoded.table.textRead > maxText) continue;
      if (beginsWith(blocks, known, rootKey)) return known;
    }
    return undefined;
  }

  /**
   * Keeps the first blocks of tokens, which were verified under this root key.
   *
   * @internal
   */
  addBeginning(known: KnownBeginning): void {
    this.#keep(nameOf(known.signed.at(-1)?.signature ?? new Uint8Array()), known);
  }

  #keep(name: number, known: KnownToken | KnownBeginning): void {
    if (weightOf(known) <= MAX_BYTES) this.#tokens.set(name, known);
  }
}
