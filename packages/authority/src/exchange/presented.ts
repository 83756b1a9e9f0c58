import { CountersignError, type JsonObject, TokenRefused } from "@countersign/protocol";
import type { ClientRecord, UserRecord } from "../store/records.ts";
import type { Change } from "../store/store.ts";
import type { TokenRole } from "./exchange-form.ts";

/** A token that was presented and is genuine: its signature, its dates and its form hold. */
export interface PresentedToken {
  readonly role: TokenRole;
  /** The issuer identifier, ours or that of a trusted issuer. */
  readonly issuer: string;
  /** Whom it is about, as that issuer names it. */
  readonly subject: string;
  /** Of a token of ours: the user that it is about. */
  readonly user?: UserRecord;
  /** Of a token of ours: the client that it is about. */
  readonly client?: ClientRecord;
  /** The client of ours that it was given to. */
  readonly issuedTo?: string;
  readonly audience: readonly string[];
  /** What it still permits; of another issuer's token the rules say it. */
  readonly scopes: readonly string[];
  /** In milliseconds since the epoch. */
  readonly expiresAt: number;
  /** As they stand in the token. */
  readonly claims: JsonObject;
  /** What must still hold when the new token is recorded. */
  readonly guards: readonly Change[];
}

/**
 * A refusal of a token that was presented, as RFC 8693 section 2.2.2 or RFC 7523 section 3.1 names it. Why is for the log: the
 * caller would learn from it how to do better.
 */
export function refusedToken(role: TokenRole, detail: string, cause?: unknown): CountersignError {
  const hint = `The ${role} is not accepted here: wrong, expired, revoked, or not meant for this client`;
  return new CountersignError(codeFor(role), { hint, detail: `${role}: ${detail}`, cause });
}

function codeFor(role: TokenRole) {
  return role === "assertion" ? "invalid_grant" : "invalid_request";
}

/** The same where the token was looked at by the rules for JWTs; keys that cannot be had are nobody's bad token. */
export function refusedAs(role: TokenRole, error: unknown): unknown {
  if (!(error instanceof TokenRefused)) return error;
  if (error.reason === "keys_unavailable") return error.as(codeFor(role));
  const about = error.member ?? error.difference;
  return refusedToken(role, [error.reason, about].filter((text) => text !== "").join(": "), error);
}
