import { nameable } from "../audit/nameable.ts";
import type { PresentedToken } from "./presented.ts";

/** For the trail: from which tokens one was made, as far as their ids are names. An id of ours is one whatever it looks like. */
export function tokenIds(...tokens: readonly (PresentedToken | undefined)[]): { readonly presented?: string } {
  const ids = tokens.flatMap((token) => {
    const id = token?.claims.jti;
    if (token === undefined || typeof id !== "string") return [];
    const shown = token.issuedTo === undefined ? nameable(id) : id;
    return shown === undefined ? [] : [shown];
  });
  return ids.length === 0 ? {} : { presented: ids.join(" ") };
}
