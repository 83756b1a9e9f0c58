import { CountersignError, tokenTypes } from "@countersign/protocol";
import type { GrantRequest } from "../grants/grant.ts";

/** By which parameter a token came: whose rights are exchanged, who acts (RFC 8693 section 2.1), or RFC 7523 section 2.1. */
export type TokenRole = "subject_token" | "actor_token" | "assertion";

/** A token of a request, nothing verified. */
export interface SentToken {
  readonly role: TokenRole;
  readonly text: string;
  /** One of RFC 8693 section 3, as it was sent; of an assertion that of a JWT. */
  readonly type: string;
}

/** The parameters of an exchange (RFC 8693 section 2.1), without those of every grant. */
export interface ExchangeForm {
  readonly subject: SentToken;
  readonly actor?: SentToken;
  /** What is asked for. */
  readonly requestedType: string;
}

/**
 * Reads the parameters of an exchange.
 *
 * @throws {CountersignError} `invalid_request` where a token is missing, or comes without its type or the type without it.
 */
export function readExchangeForm({ parameters }: GrantRequest): ExchangeForm {
  const subject = sentToken("subject_token", parameters);
  if (subject === undefined) throw malformed("The exchange needs subject_token and subject_token_type");
  const actor = sentToken("actor_token", parameters);
  const requestedType = parameters.get("requested_token_type") ?? tokenTypes.accessToken;
  return { subject, ...(actor === undefined ? {} : { actor }), requestedType };
}

function sentToken(role: TokenRole, parameters: GrantRequest["parameters"]): SentToken | undefined {
  const text = parameters.get(role);
  const type = parameters.get(`${role}_type`);
  if ((text === undefined) !== (type === undefined)) {
    throw malformed(`${role} and ${role}_type go together (RFC 8693 section 2.1)`);
  }
  return text === undefined || type === undefined ? undefined : { role, text, type };
}

function malformed(hint: string): CountersignError {
  return new CountersignError("invalid_request", { hint });
}
