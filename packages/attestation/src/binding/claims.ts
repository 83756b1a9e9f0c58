import { Members, parseObject } from "../encoding/json.ts";
import { ensure } from "../errors.ts";

/** What an issuer says about a key, and evidence vouches for. */
export interface KeyClaims {
  /** The issuer, as in its tokens. */
  readonly iss: string;
  /** The thumbprint of the key (RFC 7638), base64url. */
  readonly jkt: string;
  /** The algorithm that the key signs with (RFC 7518). */
  readonly alg: string;
  /** What the key is for. */
  readonly use: "sig";
  /** When the evidence was asked for, in seconds since 1970. */
  readonly iat: number;
  /** Until when the key may be used, in seconds since 1970. */
  readonly exp: number;
  /** SHA-256 of the issuer's policy, base64url. */
  readonly policy?: string | undefined;
  /** What a verifier asked the evidence to be for. */
  readonly nonce?: string | undefined;
  /** The thumbprints of all keys of the issuer, where the evidence is for them all. */
  readonly jwks?: readonly string[] | undefined;
}

/** The type of the claims; another type is another meaning. */
const TYPE = "countersign-key-binding/1";

/** Larger claims are not read. */
const MAX_CLAIMS = 16_384;

/**
 * Writes claims in their one form (RFC 8785): members sorted, no blanks. Texts and whole numbers are all there is, so that
 * JSON.stringify writes what that form asks for.
 */
export function formatClaims(claims: KeyClaims): string {
  const members = Object.entries({ ...claims, typ: TYPE }).filter(([, value]) => value !== undefined);
  // In the order of UTF-16 code units, not of a language.
  return JSON.stringify(Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/**
 * Reads claims.
 *
 * @throws {AttestationError} when a member is missing or of another kind, or the text is not in its one form.
 */
export function parseClaims(text: string): KeyClaims {
  ensure(text.length <= MAX_CLAIMS, "size", `Cannot read the claims: ${text.length} characters`);
  const members = new Members(parseObject(text, "the claims"), "the claims", "claims");
  ensure(members.text("typ") === TYPE, "claims", `Cannot read the claims: they are not of type ${TYPE}`);
  ensure(members.text("use") === "sig", "claims", "Cannot read the claims: the key is not for signatures");
  const optional = (name: "policy" | "nonce") => (members.has(name) ? { [name]: members.text(name) } : {});
  const claims: KeyClaims = {
    iss: members.text("iss"),
    jkt: members.text("jkt"),
    alg: members.text("alg"),
    use: "sig",
    iat: members.integer("iat", Number.MAX_SAFE_INTEGER),
    exp: members.integer("exp", Number.MAX_SAFE_INTEGER),
    ...optional("policy"),
    ...optional("nonce"),
    ...(members.has("jwks") ? { jwks: members.texts("jwks") } : {}),
  };
  ensure(formatClaims(claims) === text, "claims", "Cannot read the claims: they are not in their one form (RFC 8785)");
  return claims;
}
