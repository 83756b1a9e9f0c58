import { isObject, type JsonObject, member, numberMember, parseObject, stringMember } from "./json.ts";
import { Token } from "./token.ts";

const VERSION = 1;
/** The last instant of ECMAScript's time values: what is further away is damage, and no sum of two such is infinite. */
const MAX_TIME_MS = 8.64e15;

/** A token as a cache keeps it. */
export interface TokenRecord {
  readonly token: Token;
  /** The writer's idea of the server's clock minus its own, where it had one. */
  readonly skewMs: number | undefined;
}

/** The text a cache keeps: everything revealed. */
export function writeRecord(key: string, { token, skewMs }: TokenRecord): string {
  const { tokenType, scope, issuedAt, staleAt, expiresAt } = token;
  return JSON.stringify({
    version: VERSION,
    key,
    access_token: token.accessToken.reveal(),
    id_token: token.idToken?.reveal(),
    token_type: tokenType,
    scope,
    issued_ms: issuedAt,
    stale_ms: staleAt,
    expiry_ms: expiresAt,
    skew_ms: skewMs,
    extra: token.extra,
  });
}

/** Reads what {@link writeRecord} wrote for the same key; anything else is undefined, whatever it is. */
export function readRecord(key: string, text: string): TokenRecord | undefined {
  const record = parseObject(text);
  if (record === undefined || member(record, "version") !== VERSION || member(record, "key") !== key) return undefined;
  const [issuedAt, staleAt, expiresAt] = ["issued_ms", "stale_ms", "expiry_ms"].map((name) =>
    instantMember(record, name),
  );
  const accessToken = stringMember(record, "access_token");
  const tokenType = stringMember(record, "token_type");
  if (accessToken === undefined || tokenType === undefined) return undefined;
  // Both go into a header.
  if (![accessToken, tokenType].every((text) => /^[\x21-\x7e]+$/.test(text))) return undefined;
  if (issuedAt === undefined || staleAt === undefined || expiresAt === undefined) return undefined;
  if (!(issuedAt <= staleAt && staleAt <= expiresAt)) return undefined;
  const idToken = stringMember(record, "id_token");
  const extra = member(record, "extra");
  const times = { issuedAt, staleAt, expiresAt };
  const more = { scope: scopeOf(record), extra: isObject(extra) ? extra : undefined };
  const token = new Token({ accessToken, idToken, tokenType, ...more, ...times });
  return { token, skewMs: instantMember(record, "skew_ms") };
}

function instantMember(record: JsonObject, name: string): number | undefined {
  const value = numberMember(record, name);
  return value === undefined || Math.abs(value) > MAX_TIME_MS ? undefined : value;
}

function scopeOf(record: JsonObject): string[] | undefined {
  const scope = member(record, "scope");
  return Array.isArray(scope) ? scope.filter((value) => typeof value === "string") : undefined;
}

/**
 * Reads the JSON file of aliri_tokens: whole seconds, no key of its own.
 * @returns undefined when the text is something else.
 */
export function readAliriRecord(text: string): Token | undefined {
  const record = parseObject(text);
  if (record === undefined) return undefined;
  const accessToken = stringMember(record, "access_token");
  const [issued, stale, expiry] = ["issued", "stale", "expiry"].map((name) => instantMember(record, name));
  if (accessToken === undefined || !/^[\x21-\x7e]+$/.test(accessToken)) return undefined;
  if (issued === undefined || stale === undefined || expiry === undefined || issued > expiry) return undefined;
  // aliri's arithmetic can put staleness behind expiry.
  const staleAt = Math.min(Math.max(stale, issued), expiry) * 1000;
  const idToken = stringMember(record, "id_token");
  return new Token({ accessToken, idToken, issuedAt: issued * 1000, staleAt, expiresAt: expiry * 1000 });
}

/**
 * Writes what aliri_tokens reads: these six members in this order, whole seconds, two spaces, no end of line.
 * @see {@link https://github.com/neoeinstein/aliri} `TokenWithLifetime`
 */
export function writeAliriRecord(token: Token): string {
  const [issued, stale, expiry] = [token.issuedAt, token.staleAt, token.expiresAt].map((ms) => Math.floor(ms / 1000));
  return JSON.stringify(
    {
      access_token: token.accessToken.reveal(),
      id_token: token.idToken?.reveal() ?? null,
      lifetime: (expiry ?? 0) - (issued ?? 0),
      issued,
      stale,
      expiry,
    },
    null,
    2,
  );
}
