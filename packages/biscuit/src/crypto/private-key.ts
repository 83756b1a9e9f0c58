import { defaultProvider } from "#crypto";
import { assertBytes } from "../arguments.ts";
import { KeyError } from "../errors.ts";
import { equalBytes, toBase64Url, toHex } from "./bytes.ts";
import { decodePrivateJwk, type PrivateJwk } from "./jwk.ts";
import { type DecodedPrivateKey, decodePem, decodePkcs8, encodePem, encodePkcs8 } from "./key-encoding.ts";
import type { CryptoProvider, KeyAlgorithm, RawKeyPair } from "./provider.ts";
import { assertAlgorithm, noSyncCrypto, PublicKey, splitKeyText } from "./public-key.ts";
import { isPrivateKeyBytes, strictProvider } from "./strict-provider.ts";

/**
 * A private key. It signs; it shows itself as `ed25519-private/[redacted]` wherever it is printed, and the methods that
 * begin with `reveal` are the only way to its bytes. Instances are immutable.
 *
 * @throws {KeyError} `invalid_key_size`, `invalid_key` or `unsupported_algorithm`, from every way in.
 * @example
 * const key = PrivateKey.parse(`ed25519-private/${"2a".repeat(32)}`);
 * console.log(`${key}`); // ed25519-private/[redacted]
 */
export class PrivateKey {
  /** The algorithm that the key is for. */
  readonly algorithm: KeyAlgorithm;
  readonly #bytes: Uint8Array;
  /** The public key that the encoding stated; it is compared once the true one is known. */
  readonly #stated: PublicKey | undefined;
  #public: PublicKey | undefined;

  private constructor(algorithm: KeyAlgorithm, bytes: Uint8Array, stated?: PublicKey) {
    this.algorithm = algorithm;
    this.#bytes = bytes;
    this.#stated = stated;
  }

  /** Takes the raw 32 bytes: the seed of Ed25519 (RFC 8032 section 5.1.5), the big-endian integer of secp256r1. */
  static fromBytes(algorithm: KeyAlgorithm, bytes: Uint8Array): PrivateKey {
    return PrivateKey.#from({ algorithm, privateKey: bytes, publicKey: undefined });
  }

  /**
   * Takes both halves as a provider has just made them, so that the public one is not derived again.
   *
   * @param isOurs Whether the provider is this package's own, which keeps no bytes for others and knows the key by them.
   * @internal
   */
  static ofPair(algorithm: KeyAlgorithm, pair: RawKeyPair, isOurs: boolean): PrivateKey {
    const { privateKey } = pair;
    const key = isOurs ? new PrivateKey(algorithm, privateKey) : PrivateKey.fromBytes(algorithm, privateKey);
    key.#public = PublicKey.fromBytes(algorithm, pair.publicKey);
    return key;
  }

  /** Reads key text: `ed25519-private/` or `secp256r1-private/` and hexadecimal bytes. */
  static parse(text: string): PrivateKey {
    const { algorithm, bytes } = splitKeyText(text, "-private");
    return PrivateKey.fromBytes(algorithm, bytes);
  }

  /** Reads PKCS#8 in DER, version 1 or 2. */
  static fromDer(der: Uint8Array): PrivateKey {
    return PrivateKey.#from(decodePkcs8(der));
  }

  /** Reads a PEM block `PRIVATE KEY`. */
  static fromPem(pem: string): PrivateKey {
    return PrivateKey.fromDer(decodePem("PRIVATE KEY", pem));
  }

  /** Reads a private JSON Web Key. */
  static fromJwk(jwk: unknown): PrivateKey {
    return PrivateKey.#from(decodePrivateJwk(jwk));
  }

  static #from({ algorithm, privateKey, publicKey }: DecodedPrivateKey): PrivateKey {
    assertAlgorithm(algorithm);
    assertBytes("PrivateKey", "the raw bytes of a key", privateKey);
    if (privateKey.length !== 32) {
      throw new KeyError("invalid_key_size", `Cannot use the private key: ${privateKey.length} bytes, not 32`);
    }
    if (!isPrivateKeyBytes(algorithm, privateKey)) {
      throw new KeyError("invalid_key", `Cannot use the private key: out of range for ${algorithm}`);
    }
    const stated = publicKey && PublicKey.fromBytes(algorithm, publicKey);
    return new PrivateKey(algorithm, new Uint8Array(privateKey), stated);
  }

  /** Signs: 64 bytes for Ed25519, DER for secp256r1. */
  sign(message: Uint8Array, provider: CryptoProvider = defaultProvider): Promise<Uint8Array> {
    return strictProvider(provider).sign(this.algorithm, this.#bytes, message);
  }

  /**
   * The same as {@link PrivateKey.sign}, at once.
   *
   * @throws {KeyError} `no_sync_crypto` when the provider has no synchronous form.
   */
  signSync(message: Uint8Array, provider: CryptoProvider = defaultProvider): Uint8Array {
    const { signSync } = strictProvider(provider);
    if (signSync === undefined) throw noSyncCrypto();
    return signSync(this.algorithm, this.#bytes, message);
  }

  /**
   * The public key that belongs to this key, computed once.
   *
   * @throws {KeyError} `invalid_key` when the encoding this key was read from states another public key.
   */
  async publicKey(provider: CryptoProvider = defaultProvider): Promise<PublicKey> {
    return this.#public ?? this.#accept(await strictProvider(provider).publicKeyOf(this.algorithm, this.#bytes));
  }

  /**
   * The same as {@link PrivateKey.publicKey}, at once.
   *
   * @throws {KeyError} `no_sync_crypto` when the provider has no synchronous form.
   */
  publicKeySync(provider: CryptoProvider = defaultProvider): PublicKey {
    if (this.#public !== undefined) return this.#public;
    const { publicKeyOfSync } = strictProvider(provider);
    if (publicKeyOfSync === undefined) throw noSyncCrypto();
    return this.#accept(publicKeyOfSync(this.algorithm, this.#bytes));
  }

  #accept(bytes: Uint8Array): PublicKey {
    const key = PublicKey.fromBytes(this.algorithm, bytes);
    if (this.#stated !== undefined && !this.#stated.equals(key)) {
      throw new KeyError("invalid_key", "Cannot use the private key: its encoding states another public key");
    }
    this.#public = key;
    return key;
  }

  /** Whether both are the same key; it takes the same time whatever the bytes. */
  equals(other: PrivateKey): boolean {
    return this.algorithm === other.algorithm && equalBytes(this.#bytes, other.#bytes);
  }

  toString(): string {
    return `${this.algorithm}-private/[redacted]`;
  }

  toJSON(): string {
    return this.toString();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `PrivateKey(${this.toString()})`;
  }

  /** A copy of the raw 32 bytes. */
  revealBytes(): Uint8Array {
    return this.#bytes.slice();
  }

  /** Key text with the private bytes, as {@link PrivateKey.parse} reads it. */
  revealText(): string {
    return `${this.algorithm}-private/${toHex(this.#bytes)}`;
  }

  /** PKCS#8 in DER: version 1, or with `publicKey` the form that carries it (version 2 for Ed25519). */
  revealDer(publicKey?: PublicKey): Uint8Array {
    return encodePkcs8(this.algorithm, this.#bytes, publicKey?.toBytes());
  }

  /** The PEM block of {@link PrivateKey.revealDer}. */
  revealPem(publicKey?: PublicKey): string {
    return encodePem("PRIVATE KEY", this.revealDer(publicKey));
  }

  /** The private JSON Web Key; JWK demands the public members too. */
  revealJwk(publicKey: PublicKey): PrivateJwk {
    return { ...publicKey.toJwk(), d: toBase64Url(this.#bytes) };
  }
}
