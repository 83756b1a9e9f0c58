import { fromBase64url, fromUtf8 } from "./encoding.ts";
import { numberMember, parseObject } from "./json.ts";

/** Instants of a JWT's payload in milliseconds. Nothing is verified: hints about time, no more. */
export interface JwtTimes {
  readonly issuedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/** Reads `iat` and `exp` (RFC 7519 §4.1); undefined when the text is no JWT. */
export function readJwtTimes(token: string): JwtTimes | undefined {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return undefined;
  try {
    const claims = parseObject(fromUtf8(fromBase64url(payload)));
    if (claims === undefined) return undefined;
    return { issuedAt: instant(numberMember(claims, "iat")), expiresAt: instant(numberMember(claims, "exp")) };
  } catch {
    return undefined;
  }
}

function instant(seconds: number | undefined): number | undefined {
  // The difference of two that are infinite is no number.
  return seconds === undefined || !Number.isFinite(seconds * 1000) ? undefined : seconds * 1000;
}
