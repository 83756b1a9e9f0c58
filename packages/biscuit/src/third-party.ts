import { runLater, runNow, type Steps } from "./action.ts";
import { type BlockInput, blockContent } from "./block-builder.ts";
import { signExternal } from "./chain.ts";
import { KeyPair, type PrivateKey } from "./crypto/keys.ts";
import { SymbolTable } from "./datalog/symbols.ts";
import { FormatError } from "./errors.ts";
import { fromBase64, toBase64 } from "./format/base64.ts";
import { encodeBlock } from "./format/block-codec.ts";
import { ProtobufReader, ProtobufWriter } from "./format/protobuf.ts";
import { externalPayload } from "./format/signature-payload.ts";
import {
  type ExternalSignature,
  once,
  readExternalSignature,
  required,
  writeExternalSignature,
} from "./format/wrapper.ts";
import type { CryptoOptions } from "./verification.ts";

/** A signing key, alone or with its public key. */
export type SigningKey = PrivateKey | KeyPair;

/** The private half of a signing key. */
export function privateKeyOf(key: SigningKey): PrivateKey {
  return key instanceof KeyPair ? key.privateKey : key;
}

/** The bytes of a message given as bytes or as base64. */
export function messageBytes(message: Uint8Array | string): Uint8Array {
  return typeof message === "string" ? fromBase64(message) : message;
}

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
  static parse(message: Uint8Array | string): ThirdPartyRequest {
    const reader = new ProtobufReader(messageBytes(message));
    let previous: Uint8Array | undefined;
    while (reader.next()) {
      if (reader.field === 3) previous = once(previous, "previousSignature", reader.bytes().slice());
      // Requests with keys in them come from versions whose blocks could be moved to another token.
      else if (reader.field <= 2)
        throw new FormatError("bytes", "Cannot read a third-party request with public keys in it");
      else reader.skip();
    }
    return new ThirdPartyRequest(required(previous, "previousSignature"));
  }

  toBytes(): Uint8Array {
    const writer = new ProtobufWriter();
    writer.bytes(3, this.#previous);
    return writer.finish();
  }

  /** URL-safe base64, as {@link ThirdPartyRequest.parse} reads it. */
  toBase64(): string {
    return toBase64(this.toBytes());
  }

  *#create(key: SigningKey, block: BlockInput, options: CryptoOptions): Steps<ThirdPartyBlock> {
    // The key text only marks the block as a third party's, whose Datalog version is at least 5.
    const { data } = encodeBlock(blockContent(block), new SymbolTable(), "");
    const signed = yield* signExternal(data, externalPayload(data, this.#previous), privateKeyOf(key), options);
    return new ThirdPartyBlock(signed.data, signed.external);
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
  static parse(message: Uint8Array | string): ThirdPartyBlock {
    const reader = new ProtobufReader(messageBytes(message));
    let data: Uint8Array | undefined;
    let external: ExternalSignature | undefined;
    while (reader.next()) {
      if (reader.field === 1) data = once(data, "payload", reader.bytes().slice());
      else if (reader.field === 2) external = once(external, "signature", readExternalSignature(reader.message()));
      else reader.skip();
    }
    return new ThirdPartyBlock(required(data, "payload"), required(external, "externalSignature"));
  }

  toBytes(): Uint8Array {
    const writer = new ProtobufWriter();
    writer.bytes(1, this.data);
    writeExternalSignature(writer, 2, this.external);
    return writer.finish();
  }

  /** URL-safe base64, as {@link ThirdPartyBlock.parse} reads it. */
  toBase64(): string {
    return toBase64(this.toBytes());
  }
}
