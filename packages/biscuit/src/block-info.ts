import type { Chain } from "./chain.ts";
import { toHex } from "./crypto/bytes.ts";
import type { PublicKey } from "./crypto/keys.ts";
import type { KeyAlgorithm } from "./crypto/provider.ts";
import { normalizeSignature } from "./crypto/strict-provider.ts";
import type { Container } from "./format/wrapper.ts";
import { printBlock } from "./text/printer.ts";

/** One block of a token, for reading. */
export interface BlockInfo {
  /** 0 is the authority. */
  readonly index: number;
  /** The Datalog version, 3 to 6. */
  readonly version: number;
  /** The block as Datalog text, as the reference prints it: strings are not escaped. */
  readonly source: string;
  readonly context: string | undefined;
  /** The key of the third party that signed the block. */
  readonly externalKey: PublicKey | undefined;
  readonly symbols: readonly string[];
  /** Public keys the block refers to, as key text. */
  readonly publicKeys: readonly string[];
  /** The signature of the block in hexadecimal: its revocation id. */
  readonly revocationId: string;
}

/** The revocation ids of a token, one for each block. */
export const revocationIdsOf = (container: Container): string[] =>
  container.blocks.map(({ signature }) => toHex(signature));

/** The blocks of a token, for reading. */
export function describeBlocks(chain: Chain): BlockInfo[] {
  return chain.blocks.map((block, index) => ({
    index,
    version: block.version,
    source: printBlock(block),
    context: block.context,
    externalKey: chain.container.blocks[index]?.external?.publicKey,
    symbols: block.symbols,
    publicKeys: block.publicKeys,
    revocationId: toHex(chain.container.blocks[index]?.signature ?? new Uint8Array()),
  }));
}

/** The same ids with each signature in its normal form; every block is signed by the key that the one before it names. */
export function normalizedRevocationIdsOf({ blocks }: Container, rootAlgorithm: KeyAlgorithm): string[] {
  const algorithms = [rootAlgorithm, ...blocks.map(({ nextKey }) => nextKey.algorithm)];
  return blocks.map(({ signature }, at) => toHex(normalizeSignature(algorithms[at] ?? rootAlgorithm, signature)));
}
