import { KeyError } from "../errors.ts";
import { formatEcdsaDer, parseEcdsaDer } from "./ecdsa-signature.ts";
import { isCompressed, isP256Point, isP256PrivateKey, P256_ORDER } from "./p256.ts";
import type { CryptoProvider, KeyAlgorithm } from "./provider.ts";
import { isEd25519Signature, isSafeEncoding } from "./small-order.ts";

interface AlgorithmRules {
  readonly hasForm: (bytes: Uint8Array) => boolean;
  readonly isPublicKey: (bytes: Uint8Array) => boolean;
  readonly isPrivateKey: (bytes: Uint8Array) => boolean;
  readonly isSignature: (bytes: Uint8Array) => boolean;
  readonly hasEncoding: (signature: Uint8Array) => boolean;
  readonly normalize: (signature: Uint8Array) => Uint8Array;
}

const RULES: Readonly<Record<KeyAlgorithm, AlgorithmRules>> = {
  ed25519: {
    hasForm: isSafeEncoding,
    isPublicKey: isSafeEncoding,
    isPrivateKey: (bytes) => bytes.length === 32,
    isSignature: isEd25519Signature,
    hasEncoding: (signature) => signature.length === 64,
    normalize: (signature) => signature,
  },
  secp256r1: {
    hasForm: isCompressed,
    isPublicKey: isP256Point,
    isPrivateKey: isP256PrivateKey,
    isSignature: (signature) => parseEcdsaDer(signature) !== undefined,
    hasEncoding: (signature) => parseEcdsaDer(signature) !== undefined,
    normalize: withLowS,
  },
};

function withLowS(signature: Uint8Array): Uint8Array {
  const parsed = parseEcdsaDer(signature);
  if (parsed === undefined || parsed.s <= P256_ORDER / 2n) return signature;
  return formatEcdsaDer({ r: parsed.r, s: P256_ORDER - parsed.s });
}

/** Whether raw public key bytes are usable: the right length, canonical, on the curve (P-256), not of small order. */
export function isPublicKeyBytes(algorithm: KeyAlgorithm, bytes: Uint8Array): boolean {
  return RULES[algorithm].isPublicKey(bytes);
}

/** What is quick to see of {@link isPublicKeyBytes}: all of it for Ed25519, the curve left out for P-256. */
export function hasPublicKeyForm(algorithm: KeyAlgorithm, bytes: Uint8Array): boolean {
  return RULES[algorithm].hasForm(bytes);
}

/** Whether raw private key bytes are usable: 32 bytes, and in range for secp256r1. */
export function isPrivateKeyBytes(algorithm: KeyAlgorithm, bytes: Uint8Array): boolean {
  return RULES[algorithm].isPrivateKey(bytes);
}

/** Whether bytes have the form of a signature at all: 64 bytes for Ed25519, canonical DER for secp256r1. */
export function isSignatureEncoding(algorithm: KeyAlgorithm, signature: Uint8Array): boolean {
  return RULES[algorithm].hasEncoding(signature);
}

/**
 * The one form that stands for a signature and its twin: of the two ECDSA signatures (r, s) and (r, n - s), which are
 * both valid, the one with the lower s. Ed25519 signatures and malformed ones come back unchanged.
 */
export function normalizeSignature(algorithm: KeyAlgorithm, signature: Uint8Array): Uint8Array {
  return RULES[algorithm].normalize(signature);
}

function assertPrivateKey(algorithm: KeyAlgorithm, privateKey: Uint8Array): void {
  if (isPrivateKeyBytes(algorithm, privateKey)) return;
  throw new KeyError("invalid_key", `Cannot use the private key: it is not a key of ${algorithm}`);
}

const strict = new WeakSet<CryptoProvider>();

/**
 * Puts the checks on which runtimes disagree before a provider, so that a token has one verdict everywhere.
 *
 * Refused before the provider is asked: Ed25519 keys and R of small order or not canonical, S not below L, P-256 points
 * off the curve, P-256 signatures in any form but canonical DER. A provider that is strict already is returned as it is.
 *
 * @example
 * const provider = strictProvider(myHardwareProvider);
 */
export function strictProvider(provider: CryptoProvider): CryptoProvider {
  if (strict.has(provider)) return provider;
  const wrapped = Object.freeze(wrap(provider));
  strict.add(wrapped);
  return wrapped;
}

function mayBeValid(algorithm: KeyAlgorithm, publicKey: Uint8Array, signature: Uint8Array): boolean {
  const rules = RULES[algorithm];
  return rules.isPublicKey(publicKey) && rules.isSignature(signature);
}

function wrap(inner: CryptoProvider): CryptoProvider {
  return {
    async verify(algorithm, publicKey, message, signature) {
      return mayBeValid(algorithm, publicKey, signature) && inner.verify(algorithm, publicKey, message, signature);
    },
    async sign(algorithm, privateKey, message) {
      assertPrivateKey(algorithm, privateKey);
      return inner.sign(algorithm, privateKey, message);
    },
    generateKeyPair: async (algorithm) => inner.generateKeyPair(algorithm),
    async publicKeyOf(algorithm, privateKey) {
      assertPrivateKey(algorithm, privateKey);
      return inner.publicKeyOf(algorithm, privateKey);
    },
    ...wrapSync(inner),
  };
}

type SyncMethods = Pick<CryptoProvider, "verifySync" | "signSync" | "generateKeyPairSync" | "publicKeyOfSync">;

function wrapSync(inner: CryptoProvider): SyncMethods {
  const verify = inner.verifySync?.bind(inner);
  const sign = inner.signSync?.bind(inner);
  const generate = inner.generateKeyPairSync?.bind(inner);
  const publicKeyOf = inner.publicKeyOfSync?.bind(inner);
  return {
    ...(verify && {
      verifySync: (algorithm, publicKey, message, signature) =>
        mayBeValid(algorithm, publicKey, signature) && verify(algorithm, publicKey, message, signature),
    }),
    ...(sign && {
      signSync: (algorithm, privateKey, message) => {
        assertPrivateKey(algorithm, privateKey);
        return sign(algorithm, privateKey, message);
      },
    }),
    ...(generate && { generateKeyPairSync: generate }),
    ...(publicKeyOf && {
      publicKeyOfSync: (algorithm, privateKey) => {
        assertPrivateKey(algorithm, privateKey);
        return publicKeyOf(algorithm, privateKey);
      },
    }),
  };
}
