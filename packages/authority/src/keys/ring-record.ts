import { z } from "zod";
import { type AlgorithmRow, algorithmNames, algorithms } from "./algorithms.ts";
import type { KeyTimes } from "./rotation.ts";
import type { SealContext, Sealed } from "./sealed.ts";

/** Version of the record and of the secrets sealed in it. */
export const ringFormat = 1;

/** One key of the ring, as the store holds it. The public key is not stored: it comes out of the sealed private one. */
export interface KeyRow extends KeyTimes {
  /** Whether the ring made it or was given it. */
  readonly origin: "made" | "imported";
  /** The private key, PKCS #8 DER. */
  readonly sealed: Sealed;
}

/** `K#ring`: every signing key, and the secret from which refresh tokens are derived. */
export interface RingRecord {
  readonly format: typeof ringFormat;
  readonly derivation: Sealed;
  readonly keys: readonly KeyRow[];
}

const sealed = z.strictObject({ kek: z.string(), key: z.string(), text: z.string() });

const schema = z.strictObject({
  format: z.literal(ringFormat),
  derivation: sealed,
  keys: z.array(
    z.strictObject({
      kid: z.string(),
      algorithm: z.enum(algorithmNames),
      publishedAt: z.number(),
      activeAt: z.number(),
      retiresAt: z.number(),
      origin: z.enum(["made", "imported"]),
      sealed,
    }),
  ),
});

/**
 * Checks what the store returned.
 *
 * @throws {Error} when it is not a ring of this format.
 */
export function parseRing(value: unknown): RingRecord {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`Cannot read the key ring: ${z.prettifyError(result.error)}`);
}

/** What the private key of a row is sealed for. */
export function signingContext({ kid, algorithm }: Pick<KeyRow, "kid" | "algorithm">): SealContext {
  return { kid, algorithm, purpose: "sign", version: ringFormat };
}

/** What the derivation secret is sealed for. */
export const derivationContext: SealContext = {
  kid: "refresh",
  algorithm: "HMAC-SHA-256",
  purpose: "derive",
  version: ringFormat,
};

/** The published set of a row. */
export function setOf({ algorithm }: Pick<KeyRow, "algorithm">): AlgorithmRow["set"] {
  return algorithms[algorithm].set;
}
