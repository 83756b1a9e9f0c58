import { CountersignError } from "@countersign/protocol";

/** RFC 6750 section 2.1: the characters of a token in the header, before any padding. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i;
const SCHEME = /^Bearer(?: |$)/i;

/**
 * The bearer token of a request (RFC 6750 section 2.1), from its Authorization fields; tokens in forms and addresses are not
 * looked for (section 2.2 and 2.3).
 *
 * @returns `undefined` when the request authenticates in no way, or in one that is not ours.
 * @throws {CountersignError} `invalid_request` for several fields, and for what is no token.
 */
export function bearerOf(fields: readonly string[]): string | undefined {
  const [field, ...others] = fields;
  if (field === undefined) return undefined;
  if (others.length > 0) throw new CountersignError("invalid_request", { detail: "several Authorization fields" });
  if (!SCHEME.test(field)) return undefined;
  const token = BEARER.exec(field)?.[1];
  if (token === undefined) throw new CountersignError("invalid_request", { detail: "a malformed bearer token" });
  return token;
}
