import { type KeyObject, sign as signBytes } from "node:crypto";
import type { SigningAlgorithm } from "../store/records.ts";
import { algorithms } from "./algorithms.ts";

/** A key that signs JWTs now. */
export interface Signer {
  /** RFC 7638 thumbprint of the public key. */
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  /** The encoded JWS signature of `input` (the signing input of RFC 7515 section 5.1), base64url. */
  sign(input: string): Promise<string>;
}

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
  const { digest, scheme } = algorithms[algorithm];
  return signBytes(digest, Buffer.from(input), { key, ...scheme }).toString("base64url");
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
