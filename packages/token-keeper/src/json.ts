import { fromBase64url, fromUtf8 } from "./encoding.ts";

/** A JSON object. Only its own members are read, none of a polluted prototype. */
export type JsonObject = { readonly [name: string]: unknown };

/** Parses a JSON object; anything else, or text that is not JSON, is undefined. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value is a JSON object and not an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own member. */
export function member(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** An own member that is a string. */
export function stringMember(object: JsonObject, name: string): string | undefined {
  const value = member(object, name);
  return typeof value === "string" ? value : undefined;
}

/** An own member that is a finite number. */
export function numberMember(object: JsonObject, name: string): number | undefined {
  const value = member(object, name);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/**
 * Whether an object in valid JSON text names a member twice at its top level: parsers differ in which one wins, so such
 * a response means different things to different readers.
 */
export function hasDuplicateMembers(text: string): boolean {
  const names = new Set<string>();
  let depth = 0;
  for (const [lexeme] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}[\]]/g)) {
    if (lexeme === "{" || lexeme === "[") depth++;
    else if (lexeme === "}" || lexeme === "]") depth--;
    else if (depth === 1 && lexeme.endsWith(":")) {
      const name: unknown = JSON.parse(lexeme.slice(0, lexeme.lastIndexOf('"') + 1));
      if (typeof name !== "string" || names.has(name)) return true;
      names.add(name);
    }
  }
  return false;
}

/** Instants of a JWT's payload in milliseconds. Nothing is verified: hints about time, no more. */
export interface JwtTimes {
  readonly issuedAt: number | undefined;
  readonly expiresAt: number | undefined;
}

/** Reads `iat` and `exp` (RFC 7519 section 4.1); undefined when the text is no JWT. */
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
