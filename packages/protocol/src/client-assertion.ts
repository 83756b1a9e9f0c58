import type { JwsAlgorithm } from "./algorithms.ts";
import type { Clock } from "./clock.ts";
import type { JwtRules } from "./jwt-rules.ts";

/** The `client_assertion_type` of a JWT (RFC 7523 section 2.2). */
export const JWT_BEARER_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Who is to be authenticated by an assertion, and at which server. */
export interface ClientAssertionExpectation {
  /** The client that must be issuer and subject of the assertion. */
  readonly clientId: string;
  /** The issuer identifier of this server: the audience that clients should name. */
  readonly issuer: string;
  /**
   * Accept these URLs as the audience too, alone or in a list, for clients that follow RFC 7523 section 3 to the letter. A
   * client that talks to several servers can be led to sign it for the wrong one (CVE-2025-27370), so it is accepted only
   * where it is named. @default none, and the issuer must be the one audience
   */
  readonly acceptTokenEndpoint?: string | readonly string[] | undefined;
  /** By which its times are judged. */
  readonly clock: Pick<Clock, "now">;
  /** @default 30000 */
  readonly clockSkewMs?: number;
  /** The longest accepted time to `exp`; as long as that, the `jti` must be remembered. @default 600000 */
  readonly maxLifetimeMs?: number;
  /** The signature algorithms that are accepted. */
  readonly algorithms?: readonly JwsAlgorithm[];
}

/**
 * The rules for a client's assertion about itself (RFC 7523 section 3): issuer and subject are the client, the one
 * audience is this server, and it names when it ends and which one it is.
 *
 * Whoever verifies it also remembers `jti` until `exp` plus the clock skew, and refuses it the second time.
 *
 * @example
 * ```ts
 * import { clientAssertionRules, importKeys, systemClock, verifyJwt } from "@countersign/protocol";
 * const rules = clientAssertionRules({ clientId: "shop", issuer: "https://id.example.com", clock: systemClock });
 * const authenticate = (assertion: string) => verifyJwt(assertion, importKeys({ keys: [] }), rules);
 * ```
 */
export function clientAssertionRules(expected: ClientAssertionExpectation): JwtRules<"client_assertion"> {
  const { clientId, issuer, acceptTokenEndpoint, ...others } = expected;
  return {
    ...others,
    profile: "client_assertion",
    issuer: clientId,
    subject: clientId,
    audience: [issuer, ...[acceptTokenEndpoint ?? []].flat()],
    audienceMatch: acceptTokenEndpoint === undefined ? undefined : "member",
  };
}
