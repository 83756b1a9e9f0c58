import { CountersignError } from "@countersign/protocol";
import { userCeiling, withoutByNameOnly } from "../values/scope.ts";
import type { Grant } from "./grant.ts";

/**
 * RFC 6749 section 4.3: the resource owner's password. RFC 9700 section 2.4 advises against it, so a client has it only
 * when its `grants` say so by name.
 */
export const password: Grant = {
  type: "password",
  confidentialOnly: false,
  async establish(request, caller, services) {
    const username = request.parameters.get("username");
    const secret = request.parameters.get("password");
    if (username === undefined || secret === undefined) {
      throw new CountersignError("invalid_request", { hint: "The password grant needs username and password" });
    }
    const user = await services.users.authenticate({
      username,
      password: secret,
      clientId: caller.client.clientId,
      ...(request.address === undefined ? {} : { address: request.address }),
    });
    return { user, ceilings: [userCeiling(user)], defaultScopes: withoutByNameOnly(user.scopes) };
  },
};
