import { CountersignError } from "@countersign/protocol";
import type { Caller } from "../caller.ts";
import type { GrantType } from "../store/records.ts";
import { clientCredentials } from "./client-credentials.ts";
import type { Grant, GrantRequest } from "./grant.ts";
import { password } from "./password.ts";
import { refreshToken } from "./refresh-token.ts";

/** Every grant that is offered: a new one is a file and a row. */
const grants: ReadonlyMap<string, Grant> = new Map(
  [password, clientCredentials, refreshToken].map((grant) => [grant.type, grant]),
);

/** The grant types offered, for the metadata (RFC 8414 section 2). */
export const grantTypes: readonly GrantType[] = [password.type, clientCredentials.type, refreshToken.type];

/**
 * The grant a request names, if its client may use it.
 *
 * @throws {CountersignError} `invalid_request`, `unsupported_grant_type` or `unauthorized_client` (RFC 6749 section 5.2).
 */
export function grantFor(request: GrantRequest, caller: Caller): Grant {
  if (request.grantType === "") throw new CountersignError("invalid_request", { hint: "grant_type is missing" });
  const grant = grants.get(request.grantType);
  if (grant === undefined) throw new CountersignError("unsupported_grant_type");
  const allowed = caller.client.grants.includes(grant.type) && (caller.confidential || !grant.confidentialOnly);
  if (!allowed) throw new CountersignError("unauthorized_client");
  return grant;
}
