import { CountersignError } from "@countersign/protocol";
import type { Services } from "../services.ts";
import { isLoginOf } from "../users/login.ts";
import { userScopeLimit } from "../values/scope.ts";
import { presentFamily, rotateFamily } from "./family.ts";
import type { Grant } from "./grant.ts";

/**
 * RFC 6749 section 6 with rotation (RFC 9700 section 4.14.2). The family is read and judged here; it is rotated by what is
 * consumed, after everything that can refuse.
 */
export const refreshToken: Grant = {
  type: "refresh_token",
  confidentialOnly: false,
  parameters: { refresh_token: "The refresh token of the response before" },
  async authorize(
    request,
    caller,
    services: Pick<Services, "store" | "clock" | "config" | "keys" | "audit" | "users">,
  ) {
    const token = request.parameters.get("refresh_token");
    if (token === undefined) {
      throw new CountersignError("invalid_request", { hint: "The refresh_token grant needs refresh_token" });
    }
    const family = await presentFamily(token, caller, services, request.address);
    const user = await services.users.byId(family.record.userId);
    if (user === undefined || !isLoginOf(family.record, user)) {
      throw new CountersignError("invalid_grant", { detail: "user gone, disabled or changed" });
    }
    return {
      user,
      scopeLimits: [userScopeLimit(user), family.record.scopes],
      defaultScopes: family.record.scopes,
      audience: family.record.audience,
      consume: () => rotateFamily(family, caller.client, services),
    };
  },
};
