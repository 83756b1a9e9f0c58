import { PublicKey } from "../crypto/keys.ts";
import type { KeyAlgorithm } from "../crypto/provider.ts";
import { SymbolTable } from "../datalog/symbols.ts";
import { FormatError, LimitError } from "../errors.ts";
import { DEFAULT_LIMITS } from "../limits.ts";
import { ProtobufReader } from "./protobuf.ts";
import {
  BYTES,
  type Codec,
  defaulted,
  enumeration,
  mapped,
  message,
  oneOf,
  optional,
  repeated,
  required,
  UINT32,
  wireContext,
} from "./schema.ts";

/** The signature of a third party over its block. */
export interface ExternalSignature {
  readonly signature: Uint8Array;
  readonly publicKey: PublicKey;
}

/** A block as it travels: its bytes and what signs them. */
export interface SignedBlock {
  /** The encoded Datalog block; signatures are over these very bytes. */
  readonly data: Uint8Array;
  readonly nextKey: PublicKey;
  readonly signature: Uint8Array;
  readonly external: ExternalSignature | undefined;
  /** The version of the signature payload: 0 or 1. */
  readonly version: number;
}

/** What ends the chain: the secret that may extend it, or the seal. */
export type Proof =
  | { readonly kind: "secret"; readonly secret: Uint8Array }
  | { readonly kind: "seal"; readonly signature: Uint8Array };

/** A token as it travels; the first block is the authority. */
export interface Container {
  readonly rootKeyId: number | undefined;
  readonly blocks: readonly [SignedBlock, ...SignedBlock[]];
  readonly proof: Proof;
}

const ALGORITHMS: readonly KeyAlgorithm[] = ["ed25519", "secp256r1"];

/** The number of an algorithm on the wire and in signature payloads. */
export function algorithmNumber(algorithm: KeyAlgorithm): number {
  return ALGORITHMS.indexOf(algorithm);
}

/** A `PublicKey` as it is. */
export const RAW_KEY = message<{ readonly algorithm: KeyAlgorithm; readonly key: Uint8Array }>({
  algorithm: required(1, enumeration("a public key", ALGORITHMS)),
  key: required(2, BYTES),
});

/** The same; what is read is checked. */
const PUBLIC_KEY: Codec<PublicKey> = mapped(
  RAW_KEY,
  ({ algorithm, key }) => PublicKey.fromBytes(algorithm, key),
  (publicKey) => ({ algorithm: publicKey.algorithm, key: publicKey.toBytes() }),
);

/** An `ExternalSignature`. */
export const EXTERNAL_SIGNATURE = message<ExternalSignature>({
  signature: required(1, BYTES),
  publicKey: required(2, PUBLIC_KEY),
});

const EXTERNAL = 4;

const SIGNED_BLOCK = message<SignedBlock>({
  data: required(1, BYTES),
  nextKey: required(2, PUBLIC_KEY),
  signature: required(3, BYTES),
  external: optional(EXTERNAL, EXTERNAL_SIGNATURE),
  version: defaulted(5, UINT32, 0),
});

const PROOF = oneOf<Proof>(
  "a proof",
  ({ kind }) => (kind === "secret" ? 1 : 2),
  {
    1: mapped(
      BYTES,
      (secret) => ({ kind: "secret", secret }) as const,
      ({ secret }) => secret,
    ),
    2: mapped(
      BYTES,
      (signature) => ({ kind: "seal", signature }) as const,
      ({ signature }) => signature,
    ),
  },
  "proof",
);

interface Wrapper {
  readonly rootKeyId: number | undefined;
  readonly authority: SignedBlock;
  readonly blocks: readonly SignedBlock[];
  readonly proof: Proof;
}

const AUTHORITY = 2;
const BLOCKS = 3;

const TOKEN = message<Wrapper>({
  rootKeyId: optional(1, UINT32),
  authority: required(AUTHORITY, SIGNED_BLOCK),
  blocks: repeated(BLOCKS, SIGNED_BLOCK),
  proof: required(4, PROOF),
});

/** Messages outside blocks refer to no symbol. */
export const CONTEXT = wireContext(new SymbolTable());

function checkBlockVersions(blocks: Container["blocks"]): void {
  if (blocks[0].external !== undefined) {
    throw new FormatError("authority_external", "Cannot read a token whose authority block is signed by a third party");
  }
  for (const block of blocks) {
    if (block.version > 1) {
      throw new FormatError("payload_version", `Cannot read a block with this signature version: ${block.version}`);
    }
    // Third-party signatures of version 0 do not bind the block to its token (GHSA-rgqv-mwc3-c78m).
    if (block.external !== undefined && block.version !== 1) {
      throw new FormatError("third_party_version", "Cannot read a third-party block with signature version 0");
    }
  }
}

/** The blocks of a token, those of third parties twice, as {@link readContainer} counts them. */
export function countBlocks({ blocks }: Container): number {
  return blocks.reduce((count, { external }) => count + (external === undefined ? 1 : 2), 0);
}

/**
 * Counts the blocks, those of third parties twice, without reading them: for each there is a key and a signature, a key
 * of P-256 costs a square root, and a short token can hold hundreds.
 */
function checkBlockCount(bytes: Uint8Array, maxBlocks: number): void {
  const reader = new ProtobufReader(bytes);
  let count = 0;
  while (reader.next()) {
    const { field } = reader;
    if (field !== AUTHORITY && field !== BLOCKS) {
      reader.skip();
      continue;
    }
    count++;
    const outer = reader.open();
    for (; reader.next(); reader.skip()) if (reader.field === EXTERNAL) count++;
    reader.close(outer);
  }
  if (count > maxBlocks) {
    throw new LimitError("blocks", `Cannot read a token of more than ${maxBlocks} blocks: ${count}`);
  }
}

/**
 * Reads the wrapper of a token of at most so many blocks; nothing is verified.
 *
 * @throws {FormatError} when the bytes are no token; {@link LimitError} `blocks`; {@link KeyError} when a key in them is
 * unusable.
 */
export function readContainer(bytes: Uint8Array, maxBlocks: number = DEFAULT_LIMITS.maxBlocks): Container {
  checkBlockCount(bytes, maxBlocks);
  const { rootKeyId, authority, blocks: others, proof } = TOKEN.decode(bytes, CONTEXT);
  const blocks: Container["blocks"] = [authority, ...others];
  checkBlockVersions(blocks);
  return { rootKeyId, blocks, proof };
}

/** Writes the wrapper of a token. */
export function writeContainer({ rootKeyId, blocks: [authority, ...blocks], proof }: Container): Uint8Array {
  return TOKEN.encode({ rootKeyId, authority, blocks, proof }, CONTEXT);
}
