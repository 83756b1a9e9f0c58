import { base64url } from "../encoding.ts";
import { readJwtTimes } from "../json.ts";
import type { LifetimePolicy } from "../lifetime.ts";
import { systemRandom } from "../ports.ts";
import { type Secret, toSecret } from "../secret.ts";
import type { TokenSource } from "../source.ts";
import { createToken } from "../token.ts";

/** Options of {@link constantSource}. */
export interface ConstantOptions {
  /** The access token. */
  readonly accessToken: string | Secret;
  /** When it expires, in milliseconds since 1970. @default the JWT's `exp`; else an hour after each request */
  readonly expiresAt?: number;
  /** When the token is stale. @default adaptiveLifetime() */
  readonly lifetime?: LifetimePolicy;
}

/**
 * Always the same token: for tests, and for tokens that come from elsewhere.
 *
 * @example
 * ```ts run
 * import { constantSource, TokenWatcher } from "@countersign/token-keeper";
 * await using watcher = await TokenWatcher.start(constantSource({ accessToken: "abc" }));
 * console.log(watcher.token().accessToken.reveal()); // abc
 * ```
 */
export function constantSource(options: ConstantOptions): TokenSource {
  const secret = toSecret(options.accessToken, "access token");
  const expiresAt = options.expiresAt ?? readJwtTimes(secret.reveal())?.expiresAt;
  // No two sources share an identity: a cache cannot hand one's token to the other.
  const partition = base64url(systemRandom.bytes(16));
  return {
    identity: { issuer: "constant", clientId: "constant", grant: "constant", partition },
    async request({ clock }) {
      const issuedAt = clock.now();
      const lifetimeMs = Math.max(0, (expiresAt ?? issuedAt + 3_600_000) - issuedAt);
      return createToken({ accessToken: secret.reveal() }, { issuedAt, lifetimeMs }, options.lifetime);
    },
  };
}
