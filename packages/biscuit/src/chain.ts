import { defaultProvider } from "#crypto";
import { type Action, perform, type Steps } from "./action.ts";
import { KeyPair, PrivateKey, type PublicKey } from "./crypto/keys.ts";
import type { CryptoProvider, KeyAlgorithm } from "./crypto/provider.ts";
import type { BlockContent } from "./datalog/model.ts";
import { SymbolTable } from "./datalog/symbols.ts";
import { VERSION_3_3 } from "./datalog/version.ts";
import { KeyError, SealError } from "./errors.ts";
import { type Block, encodeBlock, readBlock } from "./format/block-codec.ts";
import { blockPayload, sealPayload, type UnsignedBlock } from "./format/signature-payload.ts";
import type { Container, ExternalSignature, SignedBlock } from "./format/wrapper.ts";
import { localSigner, type Signer } from "./signer.ts";
import { type Chain, type CryptoOptions, extendedBlocks, lastBlock, NO_BLOCKS } from "./token-model.ts";

/** How a block is appended. */
export interface AppendOptions extends CryptoOptions {
  /** The algorithm of the ephemeral key that signs the next block. @default "ed25519" */
  readonly nextKeyAlgorithm?: KeyAlgorithm;
  /**
   * The ephemeral key pair itself, where one is kept ready, for one block only: its private key goes into the token.
   *
   * @throws {KeyError} `invalid_key` when it signs a block of the token already.
   * @default a new one
   */
  readonly nextKeyPair?: KeyPair;
}

const generate = (algorithm: KeyAlgorithm, crypto: CryptoProvider): Action<KeyPair> => ({
  now: () => KeyPair.generateSync(algorithm, crypto),
  later: () => KeyPair.generate(algorithm, crypto),
});

function* nextPair(options: AppendOptions, crypto: CryptoProvider): Steps<KeyPair> {
  if (options.nextKeyPair !== undefined) return options.nextKeyPair;
  return yield* perform(generate(options.nextKeyAlgorithm ?? "ed25519", crypto));
}

/** With the secret of a key that signs a block, the holder of the token could take off that block and all behind it. */
function assertUnused(next: KeyPair, key: Signer, previous: readonly SignedBlock[]): void {
  const isUsed = key.isOf(next) || previous.some(({ nextKey }) => nextKey.equals(next.publicKey));
  if (isUsed) throw new KeyError("invalid_key", "Cannot use as the next key of a token one that signs a block of it");
}

/** The version of the signature payload: 1 wherever something in it is newer than version 0, or follows such a block. */
function payloadVersion(
  algorithms: readonly KeyAlgorithm[],
  datalogVersion: number,
  external: ExternalSignature | undefined,
  previous: readonly SignedBlock[],
): number {
  if (external !== undefined || datalogVersion >= VERSION_3_3) return 1;
  if (algorithms.some((algorithm) => algorithm !== "ed25519")) return 1;
  return Math.max(0, ...previous.map(({ version }) => version));
}

/** The secrets of tokens in use, as importing one costs as much as signing with it. */
const secrets = new WeakMap<Container, PrivateKey>();

/** The secret at the end of the chain. */
function nextSecret(container: Container): PrivateKey {
  const known = secrets.get(container);
  if (known !== undefined) return known;
  if (container.proof.kind === "seal") {
    throw new SealError("append_on_sealed", "Cannot append a block to a sealed token");
  }
  const secret = PrivateKey.fromBytes(lastBlock(container).nextKey.algorithm, container.proof.secret);
  secrets.set(container, secret);
  return secret;
}

interface Draft {
  readonly data: Uint8Array;
  readonly datalogVersion: number;
  readonly external: ExternalSignature | undefined;
}

/** Signs a block with `key` as the one after `previous`, and gives the secret for the block after it. */
function* signBlock(
  draft: Draft,
  key: Signer,
  previous: readonly SignedBlock[],
  options: AppendOptions,
): Steps<{ readonly signed: SignedBlock; readonly secret: Uint8Array }> {
  const crypto = options.crypto ?? defaultProvider;
  const next = yield* nextPair(options, crypto);
  assertUnused(next, key, previous);
  const version = payloadVersion([key.algorithm, next.algorithm], draft.datalogVersion, draft.external, previous);
  const unsigned: UnsignedBlock = { data: draft.data, nextKey: next.publicKey, external: draft.external, version };
  const last = previous[previous.length - 1];
  const signature = yield* perform(key.sign(blockPayload(unsigned, last?.signature), crypto));
  return { signed: { ...unsigned, signature }, secret: next.privateKey.revealBytes() };
}

/** Makes a token of one block. */
export function* createChain(
  content: BlockContent,
  rootKey: Signer,
  rootKeyId: number | undefined,
  options: AppendOptions,
): Steps<Chain> {
  const table = new SymbolTable();
  const { data, block } = encodeBlock(content, table);
  const draft: Draft = { data, datalogVersion: block.version, external: undefined };
  const { signed, secret } = yield* signBlock(draft, rootKey, [], options);
  const container: Container = { rootKeyId, blocks: [signed], proof: { kind: "secret", secret } };
  return { container, ...extendedBlocks(NO_BLOCKS, [block], table) };
}

function extend(chain: Chain, signed: SignedBlock, secret: Uint8Array, block: Block, table: SymbolTable): Chain {
  const container: Container = {
    rootKeyId: chain.container.rootKeyId,
    blocks: [...chain.container.blocks, signed],
    proof: { kind: "secret", secret },
  };
  return { container, ...extendedBlocks(chain, [block], table) };
}

/** Appends a block of the holder's own. */
export function* appendBlock(chain: Chain, content: BlockContent, options: AppendOptions): Steps<Chain> {
  const key = localSigner(nextSecret(chain.container));
  const table = chain.table.clone();
  const { data, block } = encodeBlock(content, table);
  const draft: Draft = { data, datalogVersion: block.version, external: undefined };
  const { signed, secret } = yield* signBlock(draft, key, chain.container.blocks, options);
  return extend(chain, signed, secret, block, table);
}

/** Appends a block that a third party signed; its signature was checked before. */
export function* appendExternal(
  chain: Chain,
  data: Uint8Array,
  external: ExternalSignature,
  options: AppendOptions,
): Steps<Chain> {
  const key = localSigner(nextSecret(chain.container));
  const block = readBlock(data, new SymbolTable(), external.publicKey.toString());
  const draft: Draft = { data, datalogVersion: block.version, external };
  const { signed, secret } = yield* signBlock(draft, key, chain.container.blocks, options);
  return extend(chain, signed, secret, block, chain.table);
}

/** Seals the chain: nothing can be appended to it any more. */
export function* sealChain(chain: Chain, options: CryptoOptions): Steps<Chain> {
  const { container } = chain;
  if (container.proof.kind === "seal")
    throw new SealError("already_sealed", "Cannot seal a token that is sealed already");
  const payload = sealPayload(lastBlock(container));
  const signature = yield* perform(localSigner(nextSecret(container)).sign(payload, options.crypto ?? defaultProvider));
  return { ...chain, container: { ...container, proof: { kind: "seal", signature } } };
}

/** Signs a block as a third party. */
export function* signExternal(
  data: Uint8Array,
  payload: Uint8Array,
  key: Signer,
  options: CryptoOptions,
): Steps<{ readonly data: Uint8Array; readonly external: ExternalSignature }> {
  const crypto = options.crypto ?? defaultProvider;
  const publicKey: PublicKey = yield* perform(key.publicKey(crypto));
  const signature = yield* perform(key.sign(payload, crypto));
  return { data, external: { publicKey, signature } };
}
