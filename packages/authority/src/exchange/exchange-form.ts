import { CountersignError, tokenTypes } from "@countersign/protocol";
import type { GrantRequest } from "../grants/grant.ts";

/** Which of the two tokens of a request: whose rights are exchanged, and who acts (RFC 8693 section 2.1). */
export type TokenRole = "subject" | "actor";

/** A token of a request, nothing verified. */
export interface SentToken {
  readonly role: TokenRole;
  readonly text: string;
  /** One of RFC 8693 section 3, as it was sent. */
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
  const subject = sentToken("subject", parameters);
  if (subject === undefined) throw malformed("The exchange needs subject_token and subject_token_type");
  const actor = sentToken("actor", parameters);
  const requestedType = parameters.get("requested_token_type") ?? tokenTypes.accessToken;
  return { subject, ...(actor === undefined ? {} : { actor }), requestedType };
}

function sentToken(role: TokenRole, parameters: GrantRequest["parameters"]): SentToken | undefined {
  const text = parameters.get(`${role}_token`);
  const type = parameters.get(`${role}_token_type`);
  if ((text === undefined) !== (type === undefined)) {
    throw malformed(`${role}_token and ${role}_token_type go together (RFC 8693 section 2.1)`);
  }
  return text === undefined || type === undefined ? undefined : { role, text, type };
}

function malformed(hint: string): CountersignError {
  return new CountersignError("invalid_request", { hint });
}
