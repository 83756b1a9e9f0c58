import { algorithmNamed, type JwsAlgorithm } from "./algorithms.ts";
import { fromBase64url } from "./encoding.ts";
import { isJsonObject, parseJson } from "./json.ts";
import type { JsonObject } from "./json-value.ts";
import { isKeyId, type VerificationKey } from "./jwk.ts";
import type { KeySource } from "./jwks.ts";
import { type RefusalReason, TokenRefused } from "./refusal.ts";

/** A protected header that our rules let pass (RFC 7515 section 4). */
export interface JwsHeader extends JsonObject {
  /** The algorithm (RFC 7515 section 4.1.1). */
  readonly alg: string;
}

/** The three parts of a compact JWS, nothing verified. */
export interface DecodedJws {
  readonly header: JwsHeader;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
  readonly payload: Uint8Array;
  /** What the signature is over (RFC 7515 section 5.1). */
  readonly signingInput: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * What becomes of a token whose header brings or points to its key. Neither is ever used (RFC 8725 section 3.10): some issuers
 * always send `jku` or `x5u`, and their tokens can be taken by the configured keys alone.
 */
export type KeyHeaders = "refuse" | "ignore";

/** The longest token that is looked at, in characters. */
export const DEFAULT_MAX_TOKEN_LENGTH = 16_384;

/** Header members that refuse a token by being there. The keys that verify are configured, never brought along. */
const refusedMembers: readonly (readonly [string, RefusalReason])[] = [
  ["crit", "critical_header"],
  ["b64", "unencoded_payload"],
  ["zip", "compressed"],
  ["enc", "compressed"],
  ["jwk", "key_in_header"],
  ["jku", "key_in_header"],
  ["x5c", "key_in_header"],
  ["x5u", "key_in_header"],
];

/**
 * Takes a compact JWS apart (RFC 7515 section 7.1), strictly: three non-empty parts of canonical base64url, a header
 * without duplicates and without anything that would change how it is verified.
 *
 * @throws {TokenRefused}
 */
export function decodeJws(
  token: string,
  maxLength = DEFAULT_MAX_TOKEN_LENGTH,
  keyHeaders: KeyHeaders = "refuse",
): DecodedJws {
  if (typeof token !== "string") throw new TokenRefused("not_compact");
  // A limit that is no number refuses all.
  if (!(token.length <= maxLength)) throw new TokenRefused("token_too_large");
  const [protectedHeader = "", payload = "", signature = "", ...more] = token.split(".", 4);
  if (protectedHeader === "" || payload === "" || signature === "" || more.length > 0) {
    throw new TokenRefused("not_compact");
  }
  const header = checkedHeader(parseJson(bytesOf(protectedHeader)), keyHeaders);
  const { kid, typ } = header;
  return {
    header,
    kid: isKeyId(kid) ? kid : undefined,
    typ: typeof typ === "string" ? typ : undefined,
    payload: bytesOf(payload),
    signingInput: Buffer.from(token.slice(0, token.lastIndexOf("."))),
    signature: bytesOf(signature),
  };
}

/**
 * Checks the signature with the keys that fit the header; the algorithm is the key's (RFC 8725 section 3.1).
 *
 * @returns the key that verified.
 * @throws {TokenRefused}
 */
export async function verifyJws(
  jws: DecodedJws,
  keys: KeySource,
  options: { readonly algorithms?: readonly JwsAlgorithm[] } = {},
): Promise<VerificationKey> {
  const algorithm = algorithmNamed(jws.header.alg);
  if (algorithm === undefined || !(options.algorithms?.includes(algorithm) ?? true)) {
    throw new TokenRefused("algorithm_not_allowed");
  }
  for (const key of await keys.find({ kid: jws.kid, alg: algorithm })) {
    if (key.algorithm === algorithm && (await key.verify(jws.signingInput, jws.signature))) return key;
  }
  throw new TokenRefused("bad_signature");
}

function bytesOf(part: string): Uint8Array {
  const bytes = fromBase64url(part);
  if (bytes === undefined) throw new TokenRefused("not_base64url");
  return bytes;
}

function checkedHeader(header: ReturnType<typeof parseJson>, keyHeaders: KeyHeaders): JwsHeader {
  if (!isJsonObject(header)) throw new TokenRefused("malformed_header");
  for (const [member, reason] of refusedMembers) {
    const isIgnored = reason === "key_in_header" && keyHeaders === "ignore";
    if (member in header && !isIgnored) throw new TokenRefused(reason, { member });
  }
  if ("typ" in header && typeof header.typ !== "string") throw new TokenRefused("malformed_header", { member: "typ" });
  if ("kid" in header && !isKeyId(header.kid)) throw new TokenRefused("malformed_header", { member: "kid" });
  if (!hasAlgorithm(header)) throw new TokenRefused("malformed_header", { member: "alg" });
  return header;
}

function hasAlgorithm(header: JsonObject): header is JwsHeader {
  return typeof header.alg === "string";
}
