import { CountersignError } from "@countersign/protocol";
import { z } from "zod";

/** The scope that opens the management API. Granted only when asked for by name. */
export const SUPERUSER = "superuser";

/** The scope that asks for a refresh token (OpenID Connect Core section 11). Granted only when asked for by name. */
export const OFFLINE_ACCESS = "offline_access";

/** The scope that lets a client introspect tokens that are neither its own nor meant for it (RFC 7662 section 4). */
export const INTROSPECT = "introspect";

const byNameOnly: ReadonlySet<string> = new Set([SUPERUSER, OFFLINE_ACCESS]);

/** scope-token of RFC 6749 section 3.3: printable ASCII without space, quote and backslash. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;

/** How many scopes a client or user may have, or a request may name. */
const MAX_SCOPES = 100;

/** One scope. */
export const scopeSchema = z.string().regex(SCOPE_TOKEN, "must be a scope-token (RFC 6749 section 3.3)");

/** The scopes of a client or user. */
export const scopesSchema = z.array(scopeSchema).max(MAX_SCOPES);

/** Whether a text can be one scope. */
export function isScope(text: string): boolean {
  return SCOPE_TOKEN.test(text);
}

/**
 * The scopes of a `scope` parameter, each once, in the order given; `undefined` when none was given.
 *
 * @throws {CountersignError} `invalid_scope` when it is not scope-tokens joined by single spaces (RFC 6749 section 3.3).
 */
export function parseScope(parameter: string | undefined): readonly string[] | undefined {
  if (parameter === undefined) return undefined;
  const words = parameter.split(" ", MAX_SCOPES + 1);
  if (words.length > MAX_SCOPES || !words.every(isScope)) {
    const detail = `malformed: scopes are printable ASCII joined by single spaces, ${MAX_SCOPES} at most`;
    throw new CountersignError("invalid_scope", { detail });
  }
  return [...new Set(words)];
}

/**
 * Scopes as a client or user is given them, each once.
 *
 * @throws {CountersignError} `invalid_scope` when one is no scope-token, or there are more than 100.
 */
export function checkScopes(scopes: readonly string[]): readonly string[] {
  if (scopes.length > MAX_SCOPES || !scopes.every(isScope)) throw new CountersignError("invalid_scope");
  return [...new Set(scopes)];
}

/** Scopes as a member of a response. RFC 6749 section 3.3: the text has at least one, so without any there is no member. */
export function scopeOf(scopes: readonly string[]): { readonly scope?: string } {
  return scopes.length === 0 ? {} : { scope: scopes.join(" ") };
}

/** The scopes of `wanted` that every one of `limits` holds. */
export function within(wanted: readonly string[], limits: readonly (readonly string[])[]): readonly string[] {
  return wanted.filter((scope) => limits.every((limit) => limit.includes(scope)));
}

/** The most a user's token may hold. Whether a login may outlive its access token is for the client to say, not the user. */
export function userScopeLimit(user: { readonly scopes: readonly string[] }): readonly string[] {
  return [...user.scopes, OFFLINE_ACCESS];
}

/** What is granted to those who ask for nothing: everything but the scopes that must be asked for by name. */
export function withoutByNameOnly(scopes: readonly string[]): readonly string[] {
  return scopes.filter((scope) => !byNameOnly.has(scope));
}
