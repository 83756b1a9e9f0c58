import { CLIENT_CREDENTIALS } from "../values/grant-type.ts";
import { withoutByNameOnly } from "../values/scope.ts";
import type { Grant } from "./grant.ts";

/** RFC 6749 section 4.4: a confidential client acts for itself. Never gives a refresh token (section 4.4.3). */
export const clientCredentials: Grant = {
  type: CLIENT_CREDENTIALS,
  confidentialOnly: true,
  parameters: {},
  async authorize(_request, caller) {
    return { scopeLimits: [], defaultScopes: withoutByNameOnly(caller.client.scopes) };
  },
};
