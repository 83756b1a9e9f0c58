import type { Action } from "./action.ts";
import { wrongArgument } from "./arguments.ts";
import { KeyPair, PrivateKey, PublicKey } from "./crypto/keys.ts";
import type { CryptoProvider, KeyAlgorithm } from "./crypto/provider.ts";
import { KeyError } from "./errors.ts";

/**
 * Signs with a key that stays where it is: in a hardware module, a service, another thread. It works where a call may be
 * asynchronous.
 */
export interface RemoteKey {
  /** The public half of the key. */
  readonly publicKey: PublicKey;
  /** Signs a message: 64 bytes for Ed25519 (RFC 8032), DER for secp256r1 (ECDSA with SHA-256). */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A signing key: alone, with its public key, or kept elsewhere. */
export type SigningKey = PrivateKey | KeyPair | RemoteKey;

/** What blocks are signed with, wherever the key is. */
export interface Signer {
  readonly algorithm: KeyAlgorithm;
  /** Whether it signs in this process: what somebody else signed is verified. */
  readonly isLocal: boolean;
  readonly publicKey: (crypto: CryptoProvider) => Action<PublicKey>;
  readonly sign: (message: Uint8Array, crypto: CryptoProvider) => Action<Uint8Array>;
  /** Whether a pair is that of this key. */
  readonly isOf: (pair: KeyPair) => boolean;
}

/** The signer of a private key at hand. */
export function localSigner(key: PrivateKey): Signer {
  return {
    algorithm: key.algorithm,
    isLocal: true,
    publicKey: (crypto) => ({ now: () => key.publicKeySync(crypto), later: () => key.publicKey(crypto) }),
    sign: (message, crypto) => ({ now: () => key.signSync(message, crypto), later: () => key.sign(message, crypto) }),
    isOf: ({ privateKey }) => privateKey.equals(key),
  };
}

/** The signer of a signing key. @throws {UsageError} for what is none. */
export function signerOf(key: SigningKey): Signer {
  if (key instanceof PrivateKey) return localSigner(key);
  if (key instanceof KeyPair) return localSigner(key.privateKey);
  if (isRemote(key)) return remoteSigner(key);
  throw wrongArgument("build or createBlock", "a KeyPair, a PrivateKey or a RemoteKey, which signs", key);
}

function isRemote(key: unknown): key is RemoteKey {
  if (typeof key !== "object" || key === null || !("publicKey" in key) || !("sign" in key)) return false;
  return key.publicKey instanceof PublicKey && typeof key.sign === "function";
}

function remoteSigner(key: RemoteKey): Signer {
  return {
    algorithm: key.publicKey.algorithm,
    isLocal: false,
    publicKey: () => ({ now: () => key.publicKey, later: async () => key.publicKey }),
    sign: (message) => ({ now: refuseSync, later: () => key.sign(message) }),
    isOf: ({ publicKey }) => publicKey.equals(key.publicKey),
  };
}

function refuseSync(): never {
  throw new KeyError("no_sync_crypto", "Cannot wait for a remote key in a synchronous call: use the asynchronous form");
}
