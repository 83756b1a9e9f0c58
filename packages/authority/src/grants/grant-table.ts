import { CountersignError } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import { clientCredentials } from "./client-credentials.ts";
import type { Grant, GrantRequest, GrantServices } from "./grant.ts";
import { jwtBearer } from "./jwt-bearer.ts";
import { refreshToken } from "./refresh-token.ts";
import { password } from "./resource-owner-password.ts";
import { tokenExchange } from "./token-exchange.ts";

/** Grants by their type. */
export type GrantTable = ReadonlyMap<string, Grant>;

/** What the token endpoint works with: the grants, and what they work with. */
export interface TokenEndpointServices extends GrantServices {
  /** The grants, by their `grant_type`. */
  readonly grants: GrantTable;
}

/** Every grant that is offered: a new one is a file and a row. */
export const offeredGrants: readonly Grant[] = [password, clientCredentials, refreshToken, tokenExchange, jwtBearer];

/** The types of the grants that are offered, as `grants` of a client and `grant_type` of a request name them. */
export const grantTypes: readonly string[] = offeredGrants.map(({ type }) => type);

/** Makes a table of grants: what an authority offers, and nothing else. */
export function grantTable(grants: readonly Grant[] = offeredGrants): GrantTable {
  return new Map(grants.map((grant) => [grant.type, grant]));
}

/**
 * The grant a request names, if its client may use it.
 *
 * @throws {CountersignError} `invalid_request`, `unsupported_grant_type` or `unauthorized_client` (RFC 6749 section 5.2).
 */
export function grantFor(request: GrantRequest, caller: Caller, grants: GrantTable): Grant {
  if (request.grantType === "") throw new CountersignError("invalid_request", { hint: "grant_type is missing" });
  const grant = grants.get(request.grantType);
  if (grant === undefined) throw unsupported(request.grantType);
  const { clientId, grants: own } = caller.client;
  if (!own.includes(grant.type)) throw unauthorized(`client ${clientId} has no ${grant.type}, but: ${own.join(" ")}`);
  if (grant.confidentialOnly && !caller.confidential) {
    throw unauthorized(`client ${clientId} is public, and ${grant.type} is for clients that authenticate`);
  }
  return grant;
}

/** Names of grants elsewhere (RFC 6749, RFC 8628, OpenID CIBA); another text could be anything, a secret too. */
const GRANT_NAME = /^(?:[a-z_]{1,32}|urn:[a-z]+:params:(?:oauth:)?grant-type:[a-z0-9-]{1,32})$/;

function unsupported(grantType: string): CountersignError {
  const named = GRANT_NAME.test(grantType) ? grantType : "another text";
  return new CountersignError("unsupported_grant_type", { detail: `grant_type is ${named}` });
}

function unauthorized(detail: string): CountersignError {
  return new CountersignError("unauthorized_client", { detail });
}
