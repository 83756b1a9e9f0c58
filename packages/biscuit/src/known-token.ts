import type { Biscuit } from "./biscuit.ts";
import type { DecodedBlocks } from "./chain.ts";
import { equalBytes } from "./crypto/bytes.ts";
import type { PublicKey } from "./crypto/keys.ts";
import type { ExternalSignature, SignedBlock } from "./format/wrapper.ts";
import type { TokenLimits } from "./limits.ts";

/** A token that was verified. */
export interface KnownToken {
  readonly kind: "token";
  readonly rootKey: PublicKey;
  readonly bytes: Uint8Array;
  readonly token: Biscuit;
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
export function beginsWith(blocks: readonly SignedBlock[], known: KnownBeginning, rootKey: PublicKey): boolean {
  if (!known.rootKey.equals(rootKey)) return false;
  return known.signed.every((block, i) => {
    const given = blocks[i];
    return given !== undefined && equalBlocks(block, given);
  });
}

/** Bytes that a known thing holds, with its text written out; blocks are views on all bytes of some token. */
export function weightOf(known: KnownToken | KnownBeginning): number {
  if (known.kind === "token") return known.bytes.length + known.text;
  return (known.signed[0]?.data.buffer.byteLength ?? 0) + known.decoded.table.textRead;
}
