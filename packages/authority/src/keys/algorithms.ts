import { constants, generateKeyPair, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import { promisify } from "node:util";
import { type RingAlgorithm, type SigningAlgorithm, signingAlgorithms } from "../store/records.ts";

/** The sets that keys are published in: those of the JWK sets, the roots of capability tokens, and the keys of signoffs. */
export type KeySetName = "jwks" | "pqc" | "roots" | "signoffs";

/** Everything that differs between the signature algorithms. */
export interface AlgorithmRow {
  /** The published set its keys belong to: verifiers that meet an unknown `kty` may refuse a whole set. */
  readonly set: KeySetName;
  /** What is signed: text, or bytes, which come as base64url. */
  readonly signs: "text" | "bytes";
  /** Whether its keys follow each other by the timetable, or by command alone. */
  readonly rotates: boolean;
  /** What `KeyObject.asymmetricKeyType` says of its keys. */
  readonly keyType: "ec" | "ed25519" | "rsa" | "ml-dsa-65";
  /** The digest to sign, or `null` where the scheme hashes by itself. */
  readonly digest: "sha256" | null;
  /** Options of node:crypto that make its output a signature of JWS, or of a Biscuit. */
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

const p256 = async () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const ed25519 = async () => generateKeyPairSync("ed25519").privateKey;

/** Ed25519 over the payload of a block (Biscuit specification, "signature"). */
const blockSignatures = {
  signs: "bytes",
  keyType: "ed25519",
  digest: null,
  scheme: {},
  fast: true,
  generate: ed25519,
} as const;

/** The algorithms, in the order in which their keys are published (RFC 7518 section 3.1, RFC 8037, RFC 9964). */
export const algorithms: Readonly<Record<RingAlgorithm, AlgorithmRow>> = {
  ES256: {
    set: "jwks",
    signs: "text",
    rotates: true,
    keyType: "ec",
    digest: "sha256",
    scheme: { dsaEncoding: "ieee-p1363" },
    fast: true,
    generate: p256,
  },
  EdDSA: {
    set: "jwks",
    signs: "text",
    rotates: true,
    keyType: "ed25519",
    digest: null,
    scheme: {},
    fast: true,
    generate: ed25519,
  },
  RS256: {
    set: "jwks",
    signs: "text",
    rotates: true,
    keyType: "rsa",
    digest: "sha256",
    scheme: { padding: constants.RSA_PKCS1_PADDING },
    fast: false,
    generate: rsa,
  },
  PS256: {
    set: "jwks",
    signs: "text",
    rotates: true,
    keyType: "rsa",
    digest: "sha256",
    scheme: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    fast: false,
    generate: rsa,
  },
  "ML-DSA-65": {
    set: "pqc",
    signs: "text",
    rotates: true,
    keyType: "ml-dsa-65",
    digest: null,
    scheme: {},
    fast: false,
    generate: async () => generateKeyPairSync("ml-dsa-65").privateKey,
  },
  "biscuit-ed25519": { ...blockSignatures, set: "roots", rotates: true },
  // Biscuits have ECDSA signatures in DER.
  "biscuit-secp256r1": {
    set: "roots",
    signs: "bytes",
    rotates: true,
    keyType: "ec",
    digest: "sha256",
    scheme: {},
    fast: true,
    generate: p256,
  },
  // Other authorities name the key in their policies, so it stays until somebody rotates it.
  "signoff-ed25519": { ...blockSignatures, set: "signoffs", rotates: false },
};

/** The names of those for JWTs, in the same order. */
export const algorithmNames: readonly SigningAlgorithm[] = signingAlgorithms;

/** Computes the signature of an input, base64url: a JWS signing input (RFC 7515 section 5.1), or bytes in base64url. */
export type SignatureFunction = (input: string) => Promise<string>;

/** Where signatures that take little time are computed. */
export interface SigningPlace {
  /** The function that signs with a key. */
  signWith(key: KeyObject, algorithm: RingAlgorithm): SignatureFunction;
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
export function signNow(key: KeyObject, algorithm: RingAlgorithm, input: string): string {
  const message = Buffer.from(input, algorithms[algorithm].signs === "bytes" ? "base64url" : "utf8");
  return signBytesNow(key, algorithm, message).toString("base64url");
}

/** The same over bytes, as they are. */
export function signBytesNow(key: KeyObject, algorithm: RingAlgorithm, bytes: Uint8Array): Buffer {
  const { digest, scheme } = algorithms[algorithm];
  return signBytes(digest, bytes, { key, ...scheme });
}

/**
 * The signature function of a private key. Where a signature takes little time, handing it over one by one is what
 * costs, so those go to `place` together; the slow ones go to the thread pool, which uses every core.
 */
export function signatureFunction(key: KeyObject, algorithm: RingAlgorithm, place: SigningPlace): SignatureFunction {
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
