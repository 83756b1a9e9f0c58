import { defaultProvider } from "#crypto";
import { wrongArgument } from "../arguments.ts";
import { PrivateKey } from "./private-key.ts";
import type { CryptoProvider, KeyAlgorithm, RawKeyPair } from "./provider.ts";
import { assertAlgorithm, noSyncCrypto, PublicKey } from "./public-key.ts";
import { strictProvider } from "./strict-provider.ts";

function assertPrivate(key: PrivateKey): PrivateKey {
  if (key instanceof PrivateKey) return key;
  throw wrongArgument("KeyPair.from", "a PrivateKey", key);
}

/**
 * A private key with its public key. It prints as the public key and the redacted private one.
 *
 * @example
 * const pair = await KeyPair.generate();
 * pair.publicKey.toString(); // ed25519/…
 */
export class KeyPair {
  /** The half that signs. */
  readonly privateKey: PrivateKey;
  /** The half that verifies, and that others are given. */
  readonly publicKey: PublicKey;

  private constructor(privateKey: PrivateKey, publicKey: PublicKey) {
    this.privateKey = privateKey;
    this.publicKey = publicKey;
  }

  /** The algorithm of both. */
  get algorithm(): KeyAlgorithm {
    return this.privateKey.algorithm;
  }

  /** Makes a new pair from the provider's own secure randomness. */
  static async generate(
    algorithm: KeyAlgorithm = "ed25519",
    provider: CryptoProvider = defaultProvider,
  ): Promise<KeyPair> {
    assertAlgorithm(algorithm);
    return KeyPair.#fromRaw(algorithm, await strictProvider(provider).generateKeyPair(algorithm), provider);
  }

  /**
   * The same as {@link KeyPair.generate}, at once.
   *
   * @throws {KeyError} `no_sync_crypto` when the provider has no synchronous form.
   */
  static generateSync(algorithm: KeyAlgorithm = "ed25519", provider: CryptoProvider = defaultProvider): KeyPair {
    assertAlgorithm(algorithm);
    const { generateKeyPairSync } = strictProvider(provider);
    if (generateKeyPairSync === undefined) throw noSyncCrypto();
    return KeyPair.#fromRaw(algorithm, generateKeyPairSync(algorithm), provider);
  }

  /** The pair of a private key. */
  static async from(privateKey: PrivateKey, provider: CryptoProvider = defaultProvider): Promise<KeyPair> {
    return new KeyPair(privateKey, await assertPrivate(privateKey).publicKey(provider));
  }

  /**
   * The same as {@link KeyPair.from}, at once.
   *
   * @throws {KeyError} `no_sync_crypto` when the provider has no synchronous form.
   */
  static fromSync(privateKey: PrivateKey, provider: CryptoProvider = defaultProvider): KeyPair {
    return new KeyPair(privateKey, assertPrivate(privateKey).publicKeySync(provider));
  }

  static #fromRaw(algorithm: KeyAlgorithm, raw: RawKeyPair, provider: CryptoProvider): KeyPair {
    return new KeyPair(
      PrivateKey.ofPair(algorithm, raw, provider === defaultProvider),
      PublicKey.fromBytes(algorithm, raw.publicKey),
    );
  }
}
