import { constants, generateKeyPair, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import { promisify } from "node:util";
import { type SigningAlgorithm, signingAlgorithms } from "../store/records.ts";

/** Everything that differs between the signature algorithms. */
export interface AlgorithmRow {
  /** The published set its keys belong to: verifiers that meet an unknown `kty` may refuse a whole set. */
  readonly set: "jwks" | "pqc";
  /** What `KeyObject.asymmetricKeyType` says of its keys. */
  readonly keyType: "ec" | "ed25519" | "rsa" | "ml-dsa-65";
  /** The digest to sign, or `null` where the scheme hashes by itself. */
  readonly digest: "sha256" | null;
  /** Options of node:crypto that make its output a JWS signature. */
  readonly scheme: {
    readonly dsaEncoding?: "ieee-p1363";
    readonly padding?: number;
    readonly saltLength?: number;
  };
  /** Whether a signature takes less than a tenth of a millisecond. */
  readonly fast: boolean;
  /** A fresh private key. */
  readonly generate: () => Promise<KeyObject>;
}

const generateRsa = promisify(generateKeyPair);

/** RSA takes long to generate, so it leaves the event loop; the others take less than a millisecond. */
const rsa = async () => (await generateRsa("rsa", { modulusLength: 2048 })).privateKey;

/** The algorithms, in the order in which their keys are published (RFC 7518 section 3.1, RFC 8037, RFC 9964). */
export const algorithms: Readonly<Record<SigningAlgorithm, AlgorithmRow>> = {
  ES256: {
    set: "jwks",
    keyType: "ec",
    digest: "sha256",
    scheme: { dsaEncoding: "ieee-p1363" },
    fast: true,
    generate: async () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey,
  },
  EdDSA: {
    set: "jwks",
    keyType: "ed25519",
    digest: null,
    scheme: {},
    fast: true,
    generate: async () => generateKeyPairSync("ed25519").privateKey,
  },
  RS256: {
    set: "jwks",
    keyType: "rsa",
    digest: "sha256",
    scheme: { padding: constants.RSA_PKCS1_PADDING },
    fast: false,
    generate: rsa,
  },
  PS256: {
    set: "jwks",
    keyType: "rsa",
    digest: "sha256",
    scheme: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    fast: false,
    generate: rsa,
  },
  "ML-DSA-65": {
    set: "pqc",
    keyType: "ml-dsa-65",
    digest: null,
    scheme: {},
    fast: false,
    generate: async () => generateKeyPairSync("ml-dsa-65").privateKey,
  },
};

/** Their names, in the same order. */
export const algorithmNames: readonly SigningAlgorithm[] = signingAlgorithms;

/** Computes the JWS signature of a signing input (RFC 7515 section 5.1), base64url. */
export type SignatureFunction = (input: string) => Promise<string>;

/** Where signatures that take little time are computed. */
export interface SigningPlace {
  /** The function that signs with a key. */
  signWith(key: KeyObject, algorithm: SigningAlgorithm): SignatureFunction;
  /** Lets go of the key of a function that `signWith` made: what was begun is signed, and nothing after it. */
  forget(sign: SignatureFunction): void;
  /** Finishes what was begun and lets go of threads. */
  close(): Promise<void>;
}

/** On the thread that asks. */
export const inlineSigning: SigningPlace = {
  signWith: (key, algorithm) => async (input) => signNow(key, algorithm, input),
  forget: () => {},
  close: async () => {},
};

/** One signature, on the thread that asks for it. */
export function signNow(key: KeyObject, algorithm: SigningAlgorithm, input: string): string {
  return signBytesNow(key, algorithm, Buffer.from(input)).toString("base64url");
}

/** The same over bytes, as they are. */
export function signBytesNow(key: KeyObject, algorithm: SigningAlgorithm, bytes: Uint8Array): Buffer {
  const { digest, scheme } = algorithms[algorithm];
  return signBytes(digest, bytes, { key, ...scheme });
}

/**
 * The signature function of a private key. Where a signature takes little time, handing it over one by one is what
 * costs, so those go to `place` together; the slow ones go to the thread pool, which uses every core.
 */
export function signatureFunction(key: KeyObject, algorithm: SigningAlgorithm, place: SigningPlace): SignatureFunction {
  const { digest, scheme, fast } = algorithms[algorithm];
  if (fast) return place.signWith(key, algorithm);
  const prepared = { key, ...scheme };
  return (input) =>
    new Promise((resolve, reject) => {
      signBytes(digest, Buffer.from(input), prepared, (error, signature) => {
        if (error) reject(error);
        else resolve(signature.toString("base64url"));
      });
    });
}
