import type { GetTokenOptions } from "./acquire.ts";
import type { Token } from "./token.ts";

/** Something that hands out a usable token: a watcher, or one token of a manager. */
export interface TokenProvider {
  /** A usable token: fresh, or stale but alive; never an expired one. */
  getToken(options?: GetTokenOptions): Promise<Token>;
  /** Tells that a resource server refused this token; true when it was the one held. */
  invalidate(token: Token): boolean;
}
