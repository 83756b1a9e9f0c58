import { type KeyObject, sign as signBytes } from "node:crypto";
import type { SigningAlgorithm } from "../store/records.ts";
import { algorithms } from "./algorithms.ts";

/**
 * Where signatures are computed: in libuv's thread pool, which leaves the event loop free and uses the other cores,
 * or inline, which costs no hand-over.
 */
export type SigningPlace = "thread-pool" | "inline";

/** Computes the JWS signature of a signing input (RFC 7515 section 5.1), base64url. */
export type SignatureFunction = (input: string) => Promise<string>;

/** The signature function of a private key: one-shot node:crypto, everything but the input prepared. */
export function signatureFunction(
  privateKey: KeyObject,
  algorithm: SigningAlgorithm,
  place: SigningPlace,
): SignatureFunction {
  const { digest, scheme } = algorithms[algorithm];
  const key = { key: privateKey, ...scheme };
  if (place === "inline") return async (input) => signBytes(digest, Buffer.from(input), key).toString("base64url");
  return (input) =>
    new Promise((resolve, reject) => {
      signBytes(digest, Buffer.from(input), key, (error, signature) => {
        if (error) reject(error);
        else resolve(signature.toString("base64url"));
      });
    });
}
