import { CountersignError, type ErrorCode } from "./errors.ts";

/**
 * Every reason for which a token is refused, or JSON that a token or key set is made of. The codes are stable; the
 * sentences are for the log, never for the caller, who would learn from them how to do better.
 */
export const refusalReasons = {
  json_too_large: "The JSON text is larger than the limit",
  json_too_deep: "The JSON text nests deeper than the limit",
  json_not_utf8: "The JSON text is not UTF-8, or begins with a byte order mark",
  json_malformed: "The text is not JSON as RFC 8259 defines it",
  json_duplicate_member: "A JSON object has two members of the same name",
  json_lone_surrogate: "A JSON string holds half of a surrogate pair",

  token_too_large: "The token is longer than the limit",
  not_compact: "The token is not three non-empty parts joined by dots",
  not_base64url: "A part of the token is not canonical base64url",
  malformed_header: "The header is not an object, or a member of it has the wrong type",
  malformed_claims: "The payload is not an object, or a claim has the wrong type or value",

  critical_header: "The header demands an extension (crit) that is not understood here",
  unencoded_payload: "The header asks for an unencoded payload (b64), which a JWT cannot have",
  compressed: "The header announces compression or encryption (zip, enc), which is not accepted",
  key_in_header: "The header brings or points to its own key (jwk, jku, x5c, x5u)",
  wrong_type: "The typ of the header is not the one expected",
  algorithm_not_allowed: "The alg of the header is unknown or not allowed here",
  algorithm_mismatch: "The key named by kid is pinned to another algorithm",
  unknown_key: "No key fits the kid and alg of the header",
  ambiguous_key: "The header has no kid and too many keys fit its alg",
  bad_signature: "The signature does not verify",

  missing_claim: "A required claim is missing",
  forbidden_claim: "A claim is present that marks another kind of token",
  wrong_issuer: "The issuer is not the one expected",
  wrong_subject: "The subject is not the one expected",
  wrong_audience: "The audience does not hold the one expected, or of an id token others too",
  expired: "The token has expired",
  not_yet_valid: "The token is not valid yet (nbf)",
  issued_in_future: "The token says it was issued in the future (iat)",
  contradicting_dates: "The token ends before it begins",
  lifetime_too_long: "The token lives longer than is accepted",
  too_old: "The token was issued too long ago",
  unproven_binding: "The token is bound to a key or certificate that the caller did not prove (cnf)",

  malformed_key_set: "The key set is not an object with an array of keys, or holds too many",
  keys_unavailable: "The keys of the issuer could not be fetched, or are too old to be trusted",
} as const;

/** The stable code of one reason. */
export type RefusalReason = keyof typeof refusalReasons;

/**
 * A token, or something it is made of, was refused. Which error the caller sees depends on where the token was shown;
 * {@link TokenRefused.as} makes that one. Neither form holds any part of the token.
 *
 * @example
 * ```ts
 * import { decodeJwt, TokenRefused } from "@countersign/protocol";
 * try {
 *   decodeJwt("not a token");
 * } catch (error) {
 *   if (error instanceof TokenRefused) console.log(error.reason); // "not_compact"
 * }
 * ```
 */
export class TokenRefused extends Error {
  override readonly name = "TokenRefused";
  readonly reason: RefusalReason;
  /** The claim or header member concerned, when there is one that our rules name. */
  readonly member: string | undefined;

  constructor(reason: RefusalReason, options: { readonly member?: string; readonly cause?: unknown } = {}) {
    super(refusalReasons[reason], { cause: options.cause });
    this.reason = reason;
    this.member = options.member;
  }

  /** The refusal as an error of the catalogue. Missing keys are nobody's bad token: they become a 503. */
  as(code: ErrorCode): CountersignError {
    const detail = this.member === undefined ? this.reason : `${this.reason}: ${this.member}`;
    return new CountersignError(this.reason === "keys_unavailable" ? "temporarily_unavailable" : code, {
      detail,
      cause: this,
    });
  }
}
