import { CountersignError, type ErrorCode } from "./errors.ts";
import type { JsonValue } from "./json-value.ts";

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

/** What there is to say of a refusal beside its reason. */
export interface RefusalOptions {
  /** The member that it is about. */
  readonly member?: string;
  /** What should have stood there. */
  readonly expected?: readonly string[];
  /** What stood there: text from outside. */
  readonly found?: JsonValue | undefined;
  /** The error that led to it. */
  readonly cause?: unknown;
}

/** Characters that are invisible, break lines or turn the direction of writing. */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;
const MAX_SHOWN = 200;

/** A value on one line, whatever it holds. */
function inPrint(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  let text = "";
  // Cut before anything is escaped, so that a long value costs little, and never within a character or an escape.
  for (const character of JSON.stringify(value).slice(0, 2 * MAX_SHOWN)) {
    const piece = character.replace(INVISIBLE, escaped);
    if (text.length + piece.length >= MAX_SHOWN) return `${text}…`;
    text += piece;
  }
  return text;
}

function escaped(character: string): string {
  const code = character.codePointAt(0)?.toString(16) ?? "";
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
}

/**
 * A token, or something it is made of, was refused. Which error the caller sees depends on where the token was shown;
 * {@link TokenRefused.as} makes that one. Of the token they hold no more than `found`, which only the log gets.
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
  /** Why, as a code. */
  readonly reason: RefusalReason;
  /** The claim or header member concerned, when there is one that our rules name. */
  readonly member: string | undefined;
  /** Of `wrong_issuer`, `wrong_audience`, `wrong_subject` and `wrong_type`: the values that would have been taken. */
  readonly expected: readonly string[] | undefined;
  /**
   * And what the token has instead, as JSON: foreign text, so of at most 200 characters, with all that is invisible or steers
   * a terminal as `\u001b`. For the log, never for the caller.
   */
  readonly found: string | undefined;

  constructor(reason: RefusalReason, options: RefusalOptions = {}) {
    super(refusalReasons[reason], { cause: options.cause });
    this.reason = reason;
    this.member = options.member;
    this.expected = options.expected;
    this.found = options.expected && inPrint(options.found);
  }

  /** Which two values differ, for the log: `expected "a" or "b", found "c"`; empty where the reason is about no such pair. */
  get difference(): string {
    if (this.expected === undefined) return "";
    return `expected ${this.expected.map(inPrint).join(" or ")}, found ${this.found}`;
  }

  /** The refusal as an error of the catalogue. Missing keys are nobody's bad token: they become a 503. */
  as(code: ErrorCode): CountersignError {
    const about = this.member ?? this.difference;
    const detail = about === "" ? this.reason : `${this.reason}: ${about}`;
    return new CountersignError(this.reason === "keys_unavailable" ? "temporarily_unavailable" : code, {
      detail,
      cause: this,
    });
  }
}
