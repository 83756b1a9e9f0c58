import { AttestationError, ensure } from "../errors.ts";
import type { ReasonCode } from "../reasons.ts";
import type { VerificationCache } from "../verification-cache.ts";
import { ensureSigned } from "../webcrypto.ts";
import { algorithmUnder, type SignatureAlgorithm } from "./algorithms.ts";
import type { Certificate } from "./certificate.ts";
import type { Crl } from "./crl.ts";
import { ecdsaToRaw } from "./ecdsa.ts";

/** The bytes of r and of s. */
const ECDSA_SIZES: Partial<Record<SignatureAlgorithm, number>> = { ES256: 32, ES384: 48, "P384-SHA256": 48 };

/** Throws unless a certificate or a revocation list is signed with the key of its issuer, with one algorithm. */
export async function ensureIssuedBy(
  issued: Certificate | Crl,
  issuer: Certificate,
  algorithm: SignatureAlgorithm,
  code: ReasonCode,
  what: string,
  cache?: VerificationCache,
): Promise<void> {
  const named = algorithmUnder(issued.algorithm, issuer.spki);
  ensure(named === algorithm, "certificate_algorithm", `Cannot use ${what}: it is not signed with ${algorithm}`);
  const size = ECDSA_SIZES[algorithm];
  const signature =
    size === undefined ? issued.signature : ecdsaToRaw(issued.signature, size, `${what}, the signature`);
  const refusal = new AttestationError(
    code,
    `Cannot use ${what}: the signature does not hold under the key of its issuer`,
  );
  await ensureSigned(algorithm, issuer.spki, issued.signed, signature, refusal, cache);
}
