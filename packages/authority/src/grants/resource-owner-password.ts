import { CountersignError, defined } from "@countersign/protocol";
import type { Services } from "../services.ts";
import { PASSWORD } from "../values/grant-type.ts";
import { OFFLINE_ACCESS, userScopeLimit, withoutByNameOnly } from "../values/scope.ts";
import { openFamily } from "./family.ts";
import type { Grant } from "./grant.ts";

/**
 * RFC 6749 section 4.3: the resource owner's password. RFC 9700 section 2.4 advises against it, so a client has it only
 * when its `grants` say so by name. A login begins where the token has the scope for one.
 */
export const password: Grant = {
  type: PASSWORD,
  confidentialOnly: false,
  parameters: {
    username: "The resource owner's name",
    password: "The resource owner's password",
    device_name: "What the login is called in the user's list of devices",
  },
  async authorize(
    request,
    caller,
    services: Pick<Services, "users" | "config" | "clock" | "random" | "keys" | "audit">,
  ) {
    const username = request.parameters.get("username");
    const secret = request.parameters.get("password");
    if (username === undefined || secret === undefined) {
      throw new CountersignError("invalid_request", { hint: "The password grant needs username and password" });
    }
    const { client } = caller;
    const user = await services.users.authenticate({
      username,
      password: secret,
      clientId: client.clientId,
      ...defined({ address: request.address }),
    });
    return {
      user,
      scopeLimits: [userScopeLimit(user)],
      defaultScopes: withoutByNameOnly(user.scopes),
      consume: (permission) =>
        permission.scopes.includes(OFFLINE_ACCESS)
          ? openFamily({ user, client, request, ...permission }, services)
          : { changes: [] },
    };
  },
};
