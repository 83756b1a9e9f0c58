import { PublicKey } from "../crypto/keys.ts";
import type { KeyAlgorithm } from "../crypto/provider.ts";
import { FormatError } from "../errors.ts";
import { ProtobufReader, ProtobufWriter } from "./protobuf.ts";

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

/** The error for a field that must be there once. */
function fieldError(field: string, problem: "missing" | "repeated"): FormatError {
  return new FormatError("bytes", `Cannot decode the message: ${problem} field "${field}"`);
}

/** Keeps a value that must come at most once. */
export function once<T>(current: T | undefined, field: string, value: T): T {
  if (current !== undefined) throw fieldError(field, "repeated");
  return value;
}

/** The value of a field that must be there. */
export function required<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw fieldError(field, "missing");
  return value;
}

/** Reads a `PublicKey` message, checking the key. */
export function readPublicKey(reader: ProtobufReader): PublicKey {
  let algorithm: number | undefined;
  let key: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) algorithm = once(algorithm, "algorithm", reader.uint32());
    else if (reader.field === 2) key = once(key, "key", reader.bytes());
    else reader.skip();
  }
  const name = ALGORITHMS[required(algorithm, "algorithm")];
  if (name === undefined) throw new FormatError("bytes", `Cannot use a key of this algorithm: ${algorithm}`);
  return PublicKey.fromBytes(name, required(key, "key"));
}

/** Writes a `PublicKey` message as `field`. */
export function writePublicKey(writer: ProtobufWriter, field: number, key: PublicKey): void {
  writer.message(field, () => {
    writer.uint64(1, algorithmNumber(key.algorithm));
    writer.bytes(2, key.toBytes());
  });
}

/** Reads an `ExternalSignature` message. */
export function readExternalSignature(reader: ProtobufReader): ExternalSignature {
  let signature: Uint8Array | undefined;
  let publicKey: PublicKey | undefined;
  while (reader.next()) {
    if (reader.field === 1) signature = once(signature, "signature", reader.bytes());
    else if (reader.field === 2) publicKey = once(publicKey, "publicKey", readPublicKey(reader.message()));
    else reader.skip();
  }
  return { signature: required(signature, "signature"), publicKey: required(publicKey, "publicKey") };
}

/** Writes an `ExternalSignature` message as `field`. */
export function writeExternalSignature(writer: ProtobufWriter, field: number, external: ExternalSignature): void {
  writer.message(field, () => {
    writer.bytes(1, external.signature);
    writePublicKey(writer, 2, external.publicKey);
  });
}

function readSignedBlock(reader: ProtobufReader): SignedBlock {
  let data: Uint8Array | undefined;
  let nextKey: PublicKey | undefined;
  let signature: Uint8Array | undefined;
  let external: ExternalSignature | undefined;
  let version: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) data = once(data, "block", reader.bytes());
    else if (reader.field === 2) nextKey = once(nextKey, "nextKey", readPublicKey(reader.message()));
    else if (reader.field === 3) signature = once(signature, "signature", reader.bytes());
    else if (reader.field === 4) external = once(external, "external", readExternalSignature(reader.message()));
    else if (reader.field === 5) version = once(version, "version", reader.uint32());
    else reader.skip();
  }
  return {
    data: required(data, "block"),
    nextKey: required(nextKey, "nextKey"),
    signature: required(signature, "signature"),
    external,
    version: version ?? 0,
  };
}

function readProof(reader: ProtobufReader): Proof {
  let proof: Proof | undefined;
  while (reader.next()) {
    if (reader.field === 1) proof = once<Proof>(proof, "proof", { kind: "secret", secret: reader.bytes() });
    else if (reader.field === 2) proof = once<Proof>(proof, "proof", { kind: "seal", signature: reader.bytes() });
    else reader.skip();
  }
  if (proof === undefined) throw new FormatError("proof", "Cannot find the proof of the token");
  return proof;
}

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

/**
 * Reads the wrapper of a token; nothing is verified.
 *
 * @throws {FormatError} when the bytes are no token; {@link KeyError} when a key in them is unusable.
 */
export function readContainer(bytes: Uint8Array): Container {
  const reader = new ProtobufReader(bytes);
  let rootKeyId: number | undefined;
  let authority: SignedBlock | undefined;
  let proof: Proof | undefined;
  const others: SignedBlock[] = [];
  while (reader.next()) {
    if (reader.field === 1) rootKeyId = once(rootKeyId, "rootKeyId", reader.uint32());
    else if (reader.field === 2) authority = once(authority, "authority", readSignedBlock(reader.message()));
    else if (reader.field === 3) others.push(readSignedBlock(reader.message()));
    else if (reader.field === 4) proof = once(proof, "proof", readProof(reader.message()));
    else reader.skip();
  }
  const blocks: Container["blocks"] = [required(authority, "authority"), ...others];
  checkBlockVersions(blocks);
  return { rootKeyId, blocks, proof: required(proof, "proof") };
}

function writeSignedBlock(writer: ProtobufWriter, field: number, block: SignedBlock): void {
  writer.message(field, () => {
    writer.bytes(1, block.data);
    writePublicKey(writer, 2, block.nextKey);
    writer.bytes(3, block.signature);
    if (block.external !== undefined) writeExternalSignature(writer, 4, block.external);
    if (block.version > 0) writer.uint64(5, block.version);
  });
}

/** Writes the wrapper of a token. */
export function writeContainer(container: Container): Uint8Array {
  const writer = new ProtobufWriter();
  const [authority, ...others] = container.blocks;
  if (container.rootKeyId !== undefined) writer.uint64(1, container.rootKeyId);
  writeSignedBlock(writer, 2, authority);
  for (const block of others) writeSignedBlock(writer, 3, block);
  writer.message(4, () => {
    if (container.proof.kind === "secret") writer.bytes(1, container.proof.secret);
    else writer.bytes(2, container.proof.signature);
  });
  return writer.finish();
}
