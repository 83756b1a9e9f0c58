import type { Caller } from "../caller.ts";
import type { Authorization, GrantRequest, Permission } from "../grants/grant.ts";

/** A token request that passed client authentication, grant and policy. */
export interface AuthorizedRequest {
  readonly request: GrantRequest;
  readonly caller: Caller;
  readonly authorization: Authorization;
  readonly permission: Permission;
}

/** What identifies a token before it is signed, so that it can be recorded meanwhile. */
export interface UnsignedToken {
  readonly jti: string;
  readonly issuedAt: number;
  readonly lifetimeMs: number;
}
