import { defaultProvider } from "#crypto";
import { runLater, runNow, type Steps } from "./action.ts";
import { type BlockInput, blockContent } from "./block-builder.ts";
import { type AppendOptions, appendExternal, signExternal } from "./chain.ts";
import { equalBytes } from "./crypto/bytes.ts";
import type { PublicKey } from "./crypto/keys.ts";
import type { CryptoProvider } from "./crypto/provider.ts";
import { SymbolTable } from "./datalog/symbols.ts";
import { FormatError } from "./errors.ts";

import { encodeBlock } from "./format/block-codec.ts";
import { BYTES, type Codec, message, optional, required } from "./format/schema.ts";
import { externalPayload } from "./format/signature-payload.ts";
import { CONTEXT, EXTERNAL_SIGNATURE, type ExternalSignature } from "./format/wrapper.ts";
import { assertPublicKey } from "./root-key.ts";
import { type SigningKey, signerOf } from "./signer.ts";
import { messageBytes, toBase64 } from "./token-bytes.ts";
import { type Chain, type CryptoOptions, lastBlock } from "./token-model.ts";
import { verifyExternal } from "./verification.ts";

/** Keys in requests come from versions whose blocks could be moved to another token. */
const UNSAFE: Codec<undefined> = {
  read: () => {
    throw new FormatError("bytes", "Cannot read a third-party request with public keys in it");
  },
  write: () => {},
};

interface Request {
  readonly legacyKey?: undefined;
  readonly legacyKeys?: undefined;
  readonly previousSignature: Uint8Array;
}

const REQUEST = message<Request>({
  legacyKey: optional(1, UNSAFE),
  legacyKeys: optional(2, UNSAFE),
  previousSignature: required(3, BYTES),
});

const BLOCK = message<{ readonly payload: Uint8Array; readonly externalSignature: ExternalSignature }>({
  payload: required(1, BYTES),
  externalSignature: required(2, EXTERNAL_SIGNATURE),
});

/**
 * What a holder sends to a third party to have a block signed for this very token: nothing but the last signature.
 *
 * @example
 * const request = ThirdPartyRequest.parse(received);
 * const response = await request.createBlock(key, datalog`group("admin")`);
 * send(response.toBase64());
 */
export class ThirdPartyRequest {
  readonly #previous: Uint8Array;

  constructor(previousSignature: Uint8Array) {
    this.#previous = previousSignature;
  }

  /**
   * Reads a request from bytes or base64.
   *
   * @throws {FormatError} for what is no request, and for requests of the old, unsafe form.
   */
  static parse(text: Uint8Array | string): ThirdPartyRequest {
    return new ThirdPartyRequest(REQUEST.decode(messageBytes(text), CONTEXT).previousSignature);
  }

  /** The message as it crosses the wire (`ThirdPartyBlockRequest`). */
  toBytes(): Uint8Array {
    return REQUEST.encode({ previousSignature: this.#previous }, CONTEXT);
  }

  /** URL-safe base64, as {@link ThirdPartyRequest.parse} reads it. */
  toBase64(): string {
    return toBase64(this.toBytes());
  }

  *#create(key: SigningKey, block: BlockInput, options: CryptoOptions): Steps<ThirdPartyBlock> {
    // The key text only marks the block as a third party's, whose Datalog version is at least 5.
    const { data } = encodeBlock(blockContent(block), new SymbolTable(), "");
    const signer = signerOf(key);
    const signed = yield* signExternal(data, externalPayload(data, this.#previous), signer, options);
    const made = new ThirdPartyBlock(signed.data, signed.external);
    if (!signer.isLocal) return made;
    signedHere.set(made, recordOf(made, this.#previous, cryptoOf(options)));
    return made;
  }

  /**
   * Signs a block as the third party; it can be appended to the token of the request and to no other.
   *
   * @throws {DatalogError} for text that does not parse.
   */
  createBlock(key: SigningKey, block: BlockInput, options: CryptoOptions = {}): Promise<ThirdPartyBlock> {
    return runLater(this.#create(key, block, options));
  }

  /** The same as {@link ThirdPartyRequest.createBlock}, at once. @throws {KeyError} `no_sync_crypto` */
  createBlockSync(key: SigningKey, block: BlockInput, options: CryptoOptions = {}): ThirdPartyBlock {
    return runNow(this.#create(key, block, options));
  }
}

/** A block signed by a third party, on its way to the holder of the token. */
export class ThirdPartyBlock {
  /** The encoded block that is signed. */
  readonly data: Uint8Array;
  /** Who signed it, and the signature. */
  readonly external: ExternalSignature;

  constructor(data: Uint8Array, external: ExternalSignature) {
    this.data = data;
    this.external = external;
  }

  /**
   * Reads a block from bytes or base64; its signature is checked when it is appended.
   *
   * @throws {FormatError}
   */
  static parse(text: Uint8Array | string): ThirdPartyBlock {
    const { payload, externalSignature } = BLOCK.decode(messageBytes(text), CONTEXT);
    return new ThirdPartyBlock(payload, externalSignature);
  }

  /** The message as it crosses the wire (`ThirdPartyBlockContents`). */
  toBytes(): Uint8Array {
    return BLOCK.encode({ payload: this.data, externalSignature: this.external }, CONTEXT);
  }

  /** URL-safe base64, as {@link ThirdPartyBlock.parse} reads it. */
  toBase64(): string {
    return toBase64(this.toBytes());
  }
}

/** What was signed in this process: copies, as whoever holds a block can change its bytes. */
interface SigningRecord {
  readonly previous: Uint8Array;
  readonly data: Uint8Array;
  readonly signature: Uint8Array;
  readonly publicKey: PublicKey;
  readonly crypto: CryptoProvider;
}

const signedHere = new WeakMap<ThirdPartyBlock, SigningRecord>();

const cryptoOf = ({ crypto = defaultProvider }: CryptoOptions): CryptoProvider => crypto;

function recordOf({ data, external }: ThirdPartyBlock, previous: Uint8Array, crypto: CryptoProvider): SigningRecord {
  const { publicKey, signature } = external;
  return { previous: previous.slice(), data: data.slice(), signature: signature.slice(), publicKey, crypto };
}

/**
 * Whether this process signed exactly this block, for exactly this place, with the cryptography that would verify it now:
 * to verify it would tell nothing new, and takes longer than all the rest.
 */
function isSignedHere(record: SigningRecord | undefined, found: SigningRecord): boolean {
  if (record === undefined || record.crypto !== found.crypto || !record.publicKey.equals(found.publicKey)) return false;
  return (["data", "signature", "previous"] as const).every((part) => equalBytes(record[part], found[part]));
}

/** A third party's block as it came over the wire, or as it was read. */
export type ReceivedBlock = ThirdPartyBlock | Uint8Array | string;

/** Appends a block that the third party with this key signed for the token. */
export function* appendReceived(
  chain: Chain,
  key: PublicKey,
  received: ReceivedBlock,
  options: AppendOptions,
): Steps<Chain> {
  assertPublicKey("appendThirdParty", key);
  const block = received instanceof ThirdPartyBlock ? received : ThirdPartyBlock.parse(received);
  const { data, external } = block;
  if (!external.publicKey.equals(key)) {
    throw new FormatError("unknown_key", `Cannot append a block of another third party: ${external.publicKey}`);
  }
  const { signature: previous } = lastBlock(chain.container);
  const crypto = cryptoOf(options);
  if (!isSignedHere(signedHere.get(block), { data, previous, crypto, ...external }))
    yield* verifyExternal(data, previous, external, crypto);
  return yield* appendExternal(chain, data, external, options);
}
