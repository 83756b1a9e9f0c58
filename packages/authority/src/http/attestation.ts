import { formatClaims, messageRecord } from "@countersign/attestation";
import { CountersignError } from "@countersign/protocol";
import { z } from "zod";
import type { AttestedJwk } from "../evidence/attested-keys.ts";
import type { HttpResponse } from "./message.ts";
import { text } from "./response.ts";
import type { Call } from "./route.ts";
import { documentOf, publicDocument } from "./well-known.ts";

/** What verifiers choose: 16 to 64 bytes, base64url. */
export const attestationQuery = z.object({
  nonce: z.string().describe("16 to 64 bytes that nobody has used before, base64url without padding"),
});

const MIN_NONCE = 16;
const MAX_NONCE = 64;

/** The profile of the claims (RFC 9711 section 4.3.2). */
const PROFILE = "tag:github.com,2026:countersign/attestation#1";

function nonceOf(url: string): string {
  const [nonce = "", ...more] = new URL(url).searchParams.getAll("nonce");
  const bytes = Buffer.from(nonce, "base64url");
  const isNonce = bytes.toString("base64url") === nonce && bytes.length >= MIN_NONCE && bytes.length <= MAX_NONCE;
  if (isNonce && more.length === 0) return nonce;
  throw new CountersignError("invalid_request", {
    hint: `nonce must be ${MIN_NONCE} to ${MAX_NONCE} bytes in base64url, once`,
  });
}

/**
 * `GET /.well-known/attestation?nonce=…`: evidence made for this request, as unprotected claims (RFC 9711, RFC 9782) whose key
 * carries it as conceptual messages (RFC 9999). Who verifies the key for the nonce knows that the environment runs now.
 */
export async function attestationEndpoint({ request, services }: Call): Promise<HttpResponse> {
  const nonce = nonceOf(request.url);
  const { jwk, claims, evidence } = await services.evidence.fresh(nonce);
  const { endorsements } = evidence;
  const att = {
    claims: formatClaims(claims),
    evidence: messageRecord(evidence.evidence, "evidence"),
    ...(endorsements === undefined ? {} : { endorsements: messageRecord(endorsements, "endorsements") }),
  };
  const body = { eat_profile: PROFILE, eat_nonce: nonce, iss: claims.iss, iat: claims.iat, keys: [{ ...jwk, att }] };
  return text(JSON.stringify(body), "application/eat-ucs+json", "no-store");
}

/** What clients of confidential-token-broker read: RSA alone, one key, at most 10,240 bytes. */
const LEGACY_BYTES = 10_240;

function legacyKey(keys: readonly AttestedJwk[]): object | undefined {
  const key = keys.find(({ alg, x5c }) => alg === "RS256" && x5c !== undefined);
  if (key === undefined) return undefined;
  const { kty, use, n, e, kid, x5c, alg, att } = key;
  return { kty, use, n, e, kid, x5c, alg, att: { claims: att?.claims } };
}

/** `GET /.well-known/attested-jwks.json`: the RSA key that signs now, with its quote, as those clients read it. */
export async function legacyAttestedJwks({ request, services }: Call): Promise<HttpResponse> {
  const { keys } = await services.evidence.published();
  const key = legacyKey(keys);
  if (key === undefined)
    throw new CountersignError("not_found", { hint: "There is no attested RSA key: add RS256 to keys.algorithms" });
  const document = documentOf({ keys: [key] });
  if (document.bytes.length > LEGACY_BYTES) {
    throw new CountersignError("temporarily_unavailable", { detail: `the set has ${document.bytes.length} bytes` });
  }
  return publicDocument(request, document, services.config.keys.jwks_max_age);
}
