import { concatBytes, equalBytes, toBigInt } from "./bytes.ts";
import type { CryptoProvider, KeyAlgorithm } from "./provider.ts";
import { strictProvider } from "./strict-provider.ts";

interface NoblePoint<Self> {
  multiplyUnsafe(scalar: bigint): Self;
  subtract(other: Self): Self;
  toBytes(): Uint8Array;
}

interface NobleSigner {
  getPublicKey(secretKey: Uint8Array, compressed?: boolean): Uint8Array;
  readonly utils: { randomSecretKey(): Uint8Array };
}

/** The parts of `@noble/curves` and `@noble/hashes` (version 2) that the provider uses; hand over the modules' own. */
export interface NobleModules<Point extends NoblePoint<Point>> {
  /** `ed25519` of `@noble/curves/ed25519.js`. */
  readonly ed25519: NobleSigner & {
    sign(message: Uint8Array, secretKey: Uint8Array): Uint8Array;
    readonly Point: {
      readonly BASE: Point;
      readonly Fn: { readonly ORDER: bigint };
      fromBytes(bytes: Uint8Array, zip215?: boolean): Point;
    };
  };
  /** `p256` of `@noble/curves/nist.js`. */
  readonly p256: NobleSigner & {
    sign(message: Uint8Array, secretKey: Uint8Array, options: NobleEcdsaOptions): Uint8Array;
    verify(sig: Uint8Array, message: Uint8Array, publicKey: Uint8Array, options: NobleEcdsaOptions): boolean;
  };
  /** `sha512` of `@noble/hashes/sha2.js`. */
  readonly sha512: (message: Uint8Array) => Uint8Array;
}

interface NobleEcdsaOptions {
  readonly lowS: boolean;
  readonly prehash: boolean;
  readonly format: "der";
}

// The official P-256 samples carry high s, so insisting on the low one would refuse good tokens.
const ECDSA: NobleEcdsaOptions = { lowS: false, prehash: true, format: "der" };

function littleEndian(bytes: Uint8Array): bigint {
  return toBigInt(new Uint8Array(bytes).reverse());
}

/**
 * The equation without cofactor, compared as bytes, as OpenSSL and the reference implementation do it; noble's own
 * `verify` multiplies by the cofactor and would accept signatures which they refuse.
 */
function verifyEd25519<Point extends NoblePoint<Point>>(
  { ed25519: { Point }, sha512 }: NobleModules<Point>,
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const r = signature.subarray(0, 32);
  const s = littleEndian(signature.subarray(32));
  const k = littleEndian(sha512(concatBytes(r, publicKey, message))) % Point.Fn.ORDER;
  const negated = Point.fromBytes(publicKey, false).multiplyUnsafe(k);
  return equalBytes(Point.BASE.multiplyUnsafe(s).subtract(negated).toBytes(), r);
}

function orFalse(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    // noble throws for a public key that is no point of the curve.
    return false;
  }
}

/**
 * The provider over the noble libraries, which the application brings: synchronous where WebCrypto is not, and some ten
 * times slower.
 *
 * @example
 * import { ed25519 } from "@noble/curves/ed25519.js";
 * import { p256 } from "@noble/curves/nist.js";
 * import { sha512 } from "@noble/hashes/sha2.js";
 *
 * const provider = nobleProvider({ ed25519, p256, sha512 });
 */
export function nobleProvider<Point extends NoblePoint<Point>>(modules: NobleModules<Point>): CryptoProvider {
  const { ed25519, p256 } = modules;
  const signers: Readonly<Record<KeyAlgorithm, NobleSigner>> = { ed25519, secp256r1: p256 };

  const provider: Required<CryptoProvider> = {
    verifySync: (algorithm, publicKey, message, signature) =>
      orFalse(() =>
        algorithm === "ed25519"
          ? verifyEd25519(modules, publicKey, message, signature)
          : p256.verify(signature, message, publicKey, ECDSA),
      ),
    signSync: (algorithm, privateKey, message) =>
      algorithm === "ed25519" ? ed25519.sign(message, privateKey) : p256.sign(message, privateKey, ECDSA),
    generateKeyPairSync(algorithm) {
      const privateKey = signers[algorithm].utils.randomSecretKey();
      return { privateKey, publicKey: signers[algorithm].getPublicKey(privateKey) };
    },
    publicKeyOfSync: (algorithm, privateKey) => signers[algorithm].getPublicKey(privateKey),
    verify: async (...call) => provider.verifySync(...call),
    sign: async (...call) => provider.signSync(...call),
    generateKeyPair: async (algorithm) => provider.generateKeyPairSync(algorithm),
    publicKeyOf: async (...call) => provider.publicKeyOfSync(...call),
  };
  return strictProvider(provider);
}
