import type { CryptoProvider } from "./crypto/provider.ts";
import { SymbolTable, TextAllowance } from "./datalog/symbols.ts";
import { type Block, readBlock } from "./format/block-codec.ts";
import type { Container, SignedBlock } from "./format/wrapper.ts";
import type { Limits } from "./limits.ts";
import { type CompiledBlock, compileBlock } from "./loaded-block.ts";

/** How signatures are made and checked. */
export interface CryptoOptions {
  /** @default the runtime's own: node:crypto where there is one, else WebCrypto */
  readonly crypto?: CryptoProvider | undefined;
}

/** Blocks from the authority on, and the tables that they share. */
export interface DecodedBlocks {
  readonly blocks: readonly Block[];
  readonly table: SymbolTable;
  /** The blocks made ready to run, once. */
  readonly compiled: () => readonly CompiledBlock[];
}

/** A token as it travels, with what its blocks say. */
export interface Chain extends DecodedBlocks {
  readonly container: Container;
}

/** What there is before the authority. */
export const NO_BLOCKS: DecodedBlocks = { blocks: [], table: new SymbolTable(), compiled: () => [] };

/** Blocks that extend others, with the tables of all. */
export function extendedBlocks(known: DecodedBlocks, others: readonly Block[], table: SymbolTable): DecodedBlocks {
  let compiled: readonly CompiledBlock[] | undefined;
  return {
    blocks: [...known.blocks, ...others],
    table,
    compiled: () => (compiled ??= [...known.compiled(), ...others.map(compileBlock)]),
  };
}

/**
 * Decodes the blocks of a token, the first of which may be decoded already.
 *
 * @throws {FormatError}; {@link LimitError} `text`.
 */
export function decodeBlocks(
  signed: readonly SignedBlock[],
  { maxText }: Limits,
  known: DecodedBlocks = NO_BLOCKS,
): DecodedBlocks {
  const table = known.table.clone(new TextAllowance(maxText, known.table.textRead));
  const others = signed.slice(known.blocks.length);
  const read = others.map(({ data, external }) => readBlock(data, table, external?.publicKey.toString()));
  return extendedBlocks(known, read, table);
}

/** The last block of a token. */
export function lastBlock(container: Container): SignedBlock {
  return container.blocks[container.blocks.length - 1] ?? container.blocks[0];
}
