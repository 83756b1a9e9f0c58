/** The signature algorithms of Biscuit v3.3; the names are those of its key text. */
export type KeyAlgorithm = "ed25519" | "secp256r1";

/** A key pair as raw bytes: private key 32 bytes; public key 32 bytes (Ed25519) or 33 (compressed SEC1 P-256). */
export interface RawKeyPair {
  /** 32 bytes: the seed of Ed25519, the big-endian integer of secp256r1. */
  readonly privateKey: Uint8Array;
  /** 32 bytes for Ed25519, 33 for secp256r1 (SEC 1, compressed). */
  readonly publicKey: Uint8Array;
}

/**
 * The cryptography this package asks of a runtime, over raw bytes.
 *
 * Keys are as in {@link RawKeyPair}; signatures are 64 bytes for Ed25519 (RFC 8032) and DER for secp256r1 (ECDSA with
 * SHA-256). The synchronous twins are there only where the runtime has them. `verify` answers `false` for whatever is
 * not a valid signature; the other methods throw when a key cannot be used.
 *
 * Wrap an implementation of your own in `strictProvider`, which adds the checks that runtimes disagree about.
 */
export interface CryptoProvider {
  /** Whether the signature is that of the key over the message. */
  verify(algorithm: KeyAlgorithm, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** Signs the message. */
  sign(algorithm: KeyAlgorithm, privateKey: Uint8Array, message: Uint8Array): Promise<Uint8Array>;
  /** Makes a key pair from secure randomness. */
  generateKeyPair(algorithm: KeyAlgorithm): Promise<RawKeyPair>;
  /** The public key of a private key. */
  publicKeyOf(algorithm: KeyAlgorithm, privateKey: Uint8Array): Promise<Uint8Array>;

  /** The synchronous form of `verify`. @default absent */
  verifySync?(algorithm: KeyAlgorithm, publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  /** The synchronous form of `sign`. @default absent */
  signSync?(algorithm: KeyAlgorithm, privateKey: Uint8Array, message: Uint8Array): Uint8Array;
  /** The synchronous form of `generateKeyPair`. @default absent */
  generateKeyPairSync?(algorithm: KeyAlgorithm): RawKeyPair;
  /** The synchronous form of `publicKeyOf`. @default absent */
  publicKeyOfSync?(algorithm: KeyAlgorithm, privateKey: Uint8Array): Uint8Array;
}
