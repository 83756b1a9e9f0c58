import { runLater, runNow, type Steps } from "./action.ts";
import { BlockBuilder, type BlockInput, blockContent } from "./block-builder.ts";
import { type BlockInfo, describeBlocks, normalizedRevocationIdsOf, revocationIdsOf } from "./block-info.ts";
import { type AppendOptions, appendBlock, createChain, sealChain } from "./chain.ts";
import type { PublicKey } from "./crypto/keys.ts";
import type { KeyAlgorithm } from "./crypto/provider.ts";
import type { Fact } from "./datalog/model.ts";
import { SealError } from "./errors.ts";
import type { Block } from "./format/block-codec.ts";
import { type Container, readContainer, writeContainer } from "./format/wrapper.ts";
import { getOrCreate } from "./get-or-create.ts";
import { type Limits, resolveLimits, type TokenLimits } from "./limits.ts";
import type { CompiledBlock } from "./loaded-block.ts";
import type { RootKey } from "./root-key.ts";
import { type SigningKey, signerOf } from "./signer.ts";
import type { DatalogInput } from "./statements.ts";
import type { Parameters } from "./text/parameters.ts";
import { appendReceived, type ReceivedBlock, ThirdPartyRequest } from "./third-party.ts";
import { toBase64, tokenBytes } from "./token-bytes.ts";
import { type Chain, type CryptoOptions, type DecodedBlocks, decodeBlocks, lastBlock } from "./token-model.ts";
import { type VerifiedToken, type VerifyOptions, verifySteps } from "./verification.ts";

/**
 * A token that was read and not verified: nothing in it may be believed yet. A holder without the root key can look at
 * it, narrow it and seal it; whoever decides must {@link UnverifiedBiscuit.verify} it.
 */
export class UnverifiedBiscuit {
  readonly #container: Container;
  readonly #limits: Limits;
  /** The bytes it was read from, if it was. */
  readonly #bytes: Uint8Array | undefined;
  #chain: Chain | undefined;

  private constructor(container: Container, limits: Limits, bytes?: Uint8Array) {
    this.#container = container;
    this.#limits = limits;
    this.#bytes = bytes;
  }

  /** Used by {@link Biscuit.parse}. @internal */
  static of(container: Container, limits: Limits, bytes?: Uint8Array): UnverifiedBiscuit {
    return new UnverifiedBiscuit(container, limits, bytes);
  }

  /** The id by which the issuer names its root key, if the token has one. */
  get rootKeyId(): number | undefined {
    return this.#container.rootKeyId;
  }

  /** The number of blocks, the authority counted. */
  get blockCount(): number {
    return this.#container.blocks.length;
  }

  /** Whether nobody can append a block any more. */
  get isSealed(): boolean {
    return this.#container.proof.kind === "seal";
  }

  /** The signature of each block in hexadecimal. */
  get revocationIds(): string[] {
    return revocationIdsOf(this.#container);
  }

  /** @throws {FormatError} when a block cannot be decoded; {@link LimitError} `text`. */
  get blocks(): BlockInfo[] {
    return describeBlocks(this.#decoded());
  }

  #decoded(known?: DecodedBlocks): Chain {
    const container = this.#container;
    this.#chain ??= { container, ...decodeBlocks(container.blocks, this.#limits, known) };
    return this.#chain;
  }

  *#verify(root: RootKey, options: VerifyOptions): Steps<Biscuit> {
    const decode = (known?: DecodedBlocks): Chain => this.#decoded(known);
    const token = { container: this.#container, bytes: this.#bytes, limits: this.#limits, decode };
    return verifiedToken(yield* verifySteps(token, root, options));
  }

  /**
   * Checks every signature of the token, all of them at once, and the proof at its end.
   *
   * @throws {SignatureError} when one does not hold; {@link FormatError} or {@link LimitError} `text` when a block cannot
   * be decoded.
   * @example
   * const token = await Biscuit.parse(text).verify(rootKey);
   */
  verify(root: RootKey, options: VerifyOptions = {}): Promise<Biscuit> {
    return runLater(this.#verify(root, options));
  }

  /**
   * The same as {@link UnverifiedBiscuit.verify}, at once: one signature after the other, on this thread.
   *
   * @throws {KeyError} `no_sync_crypto` where the runtime's cryptography is asynchronous only.
   */
  verifySync(root: RootKey, options: VerifyOptions = {}): Biscuit {
    return runNow(this.#verify(root, options));
  }

  *#attenuate(block: BlockInput, options: AppendOptions): Steps<UnverifiedBiscuit> {
    const { container } = yield* appendBlock(this.#decoded(), blockContent(block), options);
    return new UnverifiedBiscuit(container, this.#limits);
  }

  /**
   * Narrows the token by a block of checks, without the root key.
   *
   * @throws {SealError} when the token is sealed.
   */
  attenuate(block: BlockInput, options: AppendOptions = {}): Promise<UnverifiedBiscuit> {
    return runLater(this.#attenuate(block, options));
  }

  /** The same as {@link UnverifiedBiscuit.attenuate}, at once. @throws {KeyError} `no_sync_crypto` */
  attenuateSync(block: BlockInput, options: AppendOptions = {}): UnverifiedBiscuit {
    return runNow(this.#attenuate(block, options));
  }

  /** The token in its binary form, as {@link Biscuit.parse} reads it: a credential. */
  toBytes(): Uint8Array {
    return writeContainer(this.#container);
  }

  /** URL-safe base64, as {@link Biscuit.parse} reads it: a credential. */
  toBase64(): string {
    return toBase64(this.toBytes());
  }

  /** Says what this is without the token itself, so that a log holds no credential. */
  toString(): string {
    return `UnverifiedBiscuit(${this.blockCount} blocks)`;
  }

  toJSON(): string {
    return this.toString();
  }
}

const verifiedTokens = new WeakMap<Chain, Biscuit>();

/** The token of a verified chain; of a chain that a cache holds, the same one each time. */
export function verifiedToken(verified: VerifiedToken): Biscuit {
  return getOrCreate(verifiedTokens, verified.chain, () => Biscuit.of(verified));
}

/**
 * A token whose signatures hold: made here, or verified.
 *
 * @example
 * const root = await KeyPair.generate();
 * const token = await Biscuit.builder().code(`right("file1", "read");`).build(root);
 * const narrow = await token.attenuate(`check if operation("read");`);
 * const received = await Biscuit.parse(narrow.toBase64()).verify(root.publicKey);
 */
export class Biscuit {
  readonly #chain: Chain;
  readonly #rootAlgorithm: KeyAlgorithm;

  private constructor(chain: Chain, rootAlgorithm: KeyAlgorithm) {
    this.#chain = chain;
    this.#rootAlgorithm = rootAlgorithm;
  }

  /** Used by this package: tokens come from {@link Biscuit.builder} and {@link Biscuit.parse}. @internal */
  static of({ chain, rootAlgorithm }: VerifiedToken): Biscuit {
    return new Biscuit(chain, rootAlgorithm);
  }

  /** Starts a new token. */
  static builder(): BiscuitBuilder {
    return new BiscuitBuilder();
  }

  /**
   * Reads a token from bytes, or from base64 with or without the prefix `biscuit:`; nothing is verified.
   *
   * @param limits What reading it may cost, up to its blocks; the limits on evaluation are for `Authorizer`.
   * @throws {FormatError} when it is no token; {@link LimitError} `token_bytes` or `blocks`.
   */
  static parse(token: Uint8Array | string, limits?: Partial<TokenLimits>): UnverifiedBiscuit {
    const resolved = resolveLimits(limits);
    const bytes = tokenBytes(token, resolved);
    return UnverifiedBiscuit.of(readContainer(bytes, resolved.maxBlocks), resolved, bytes);
  }

  /** The id by which the issuer names its root key, if the token has one. */
  get rootKeyId(): number | undefined {
    return this.#chain.container.rootKeyId;
  }

  /** The number of blocks, the authority counted. */
  get blockCount(): number {
    return this.#chain.blocks.length;
  }

  /** Whether nobody can append a block any more. */
  get isSealed(): boolean {
    return this.#chain.container.proof.kind === "seal";
  }

  /** The blocks, for reading: printed, and as data. */
  get blocks(): BlockInfo[] {
    return describeBlocks(this.#chain);
  }

  /** The signature of each block in hexadecimal: revoke one, and every token that extends that block is revoked. */
  get revocationIds(): string[] {
    return revocationIdsOf(this.#chain.container);
  }

  /**
   * The revocation ids with the lower of the two values that an ECDSA signature can take. Whoever holds a secp256r1
   * signature can write it in the other form, so lists of revoked tokens should hold, and look up, these.
   */
  get normalizedRevocationIds(): string[] {
    return normalizedRevocationIdsOf(this.#chain.container, this.#rootAlgorithm);
  }

  /** The blocks, decoded: for the authorizer. Users read {@link Biscuit.blocks}. @internal */
  get decodedBlocks(): readonly Block[] {
    return this.#chain.blocks;
  }

  /** The blocks made ready to run, once: for the authorizer. @internal */
  get compiledBlocks(): readonly CompiledBlock[] {
    return this.#chain.compiled();
  }

  #with(chain: Chain): Biscuit {
    return new Biscuit(chain, this.#rootAlgorithm);
  }

  *#attenuate(block: BlockInput, options: AppendOptions): Steps<Biscuit> {
    return this.#with(yield* appendBlock(this.#chain, blockContent(block), options));
  }

  /**
   * Makes a narrower token: the checks of the new block must hold too, and its facts are seen by nobody who does not
   * ask for them.
   *
   * @throws {SealError} `append_on_sealed`; {@link DatalogError} for text that does not parse.
   */
  attenuate(block: BlockInput, options: AppendOptions = {}): Promise<Biscuit> {
    return runLater(this.#attenuate(block, options));
  }

  /** The same as {@link Biscuit.attenuate}, at once. @throws {KeyError} `no_sync_crypto` */
  attenuateSync(block: BlockInput, options: AppendOptions = {}): Biscuit {
    return runNow(this.#attenuate(block, options));
  }

  *#seal(options: CryptoOptions): Steps<Biscuit> {
    return this.#with(yield* sealChain(this.#chain, options));
  }

  /**
   * Makes a token that nobody can narrow further.
   *
   * @throws {SealError} `already_sealed`.
   */
  seal(options: CryptoOptions = {}): Promise<Biscuit> {
    return runLater(this.#seal(options));
  }

  /** The same as {@link Biscuit.seal}, at once. @throws {KeyError} `no_sync_crypto` */
  sealSync(options: CryptoOptions = {}): Biscuit {
    return runNow(this.#seal(options));
  }

  /**
   * What to send to a third party for a block of its own.
   *
   * @throws {SealError} `append_on_sealed`.
   */
  thirdPartyRequest(): ThirdPartyRequest {
    if (this.isSealed) throw new SealError("append_on_sealed", "Cannot append a block to a sealed token");
    return new ThirdPartyRequest(lastBlock(this.#chain.container).signature.slice());
  }

  *#appendThirdParty(key: PublicKey, block: ReceivedBlock, options: AppendOptions): Steps<Biscuit> {
    return this.#with(yield* appendReceived(this.#chain, key, block, options));
  }

  /**
   * Appends a block that the third party with this key signed for this token.
   *
   * @throws {SignatureError} when it was signed for another token; {@link FormatError} when another key signed it.
   */
  appendThirdParty(key: PublicKey, block: ReceivedBlock, options: AppendOptions = {}): Promise<Biscuit> {
    return runLater(this.#appendThirdParty(key, block, options));
  }

  /** The same as {@link Biscuit.appendThirdParty}, at once. @throws {KeyError} `no_sync_crypto` */
  appendThirdPartySync(key: PublicKey, block: ReceivedBlock, options: AppendOptions = {}): Biscuit {
    return runNow(this.#appendThirdParty(key, block, options));
  }

  /** The token in its binary form, as {@link Biscuit.parse} reads it: a credential. */
  toBytes(): Uint8Array {
    return writeContainer(this.#chain.container);
  }

  /** URL-safe base64, as {@link Biscuit.parse} reads it: a credential. */
  toBase64(): string {
    return toBase64(this.toBytes());
  }

  /** Says what this is without the token itself, so that a log holds no credential. */
  toString(): string {
    return `Biscuit(${this.blockCount} blocks)`;
  }

  toJSON(): string {
    return this.toString();
  }
}

/** Collects the authority block of a new token. */
export class BiscuitBuilder {
  readonly #block = new BlockBuilder();
  #rootKeyId: number | undefined;

  /** Adds Datalog; see {@link BlockBuilder.code}. */
  code(input: DatalogInput, parameters?: Parameters): this {
    this.#block.code(input, parameters);
    return this;
  }

  /** Adds facts made by `fact()`. */
  facts(...facts: readonly Fact[]): this {
    this.#block.facts(...facts);
    return this;
  }

  /** Sets the context of the authority block. */
  context(context: string): this {
    this.#block.context(context);
    return this;
  }

  /**
   * Sets the id by which verifiers find the root key.
   *
   * @throws {RangeError} unless it is an unsigned 32-bit integer.
   */
  rootKeyId(id: number): this {
    if (!Number.isInteger(id) || id < 0 || id > 0xffffffff) {
      throw new RangeError(`Cannot use a root key id that is no unsigned 32-bit integer: ${id}`);
    }
    this.#rootKeyId = id;
    return this;
  }

  *#build(rootKey: SigningKey, options: AppendOptions): Steps<Biscuit> {
    const key = signerOf(rootKey);
    const chain = yield* createChain(this.#block.content, key, this.#rootKeyId, options);
    return Biscuit.of({ chain, rootAlgorithm: key.algorithm });
  }

  /** Signs the token with the root key; the builder can be used again. */
  build(rootKey: SigningKey, options: AppendOptions = {}): Promise<Biscuit> {
    return runLater(this.#build(rootKey, options));
  }

  /** The same as {@link BiscuitBuilder.build}, at once. @throws {KeyError} `no_sync_crypto` */
  buildSync(rootKey: SigningKey, options: AppendOptions = {}): Biscuit {
    return runNow(this.#build(rootKey, options));
  }

  /** The authority block as Datalog text. */
  toString(): string {
    return this.#block.toString();
  }
}
