import {
  clientAssertionRules,
  JWT_BEARER_ASSERTION,
  type RefusalReason,
  registeredKeys,
  TokenRefused,
  verifyJwt,
} from "@countersign/protocol";
import type { ClientCredentials } from "../caller.ts";
import type { Config } from "../config.ts";
import { oauthPaths, tokenPaths } from "../paths.ts";
import type { Services } from "../services.ts";
import { keys } from "../store/keys.ts";
import type { ClientRecord } from "../store/records.ts";

type AssertionServices = Pick<Services, "config" | "clock" | "store">;

/**
 * `private_key_jwt`: a JWT that the client signed about itself, good once (RFC 7523 section 3). Resolves to why it is
 * refused, in words for the log, or to `undefined` when it is good.
 *
 * Its one audience is the issuer identifier, unless the client is set to sign for the token endpoint too: a client that
 * does can be led to sign for another server (CVE-2025-27370).
 */
export async function refusalOfAssertion(
  { assertion, assertionType }: ClientCredentials,
  client: ClientRecord,
  services: AssertionServices,
): Promise<string | undefined> {
  if (assertion === undefined) return "no client_assertion was presented";
  if (assertionType !== JWT_BEARER_ASSERTION) return `client_assertion_type is not ${JWT_BEARER_ASSERTION}`;
  if (client.jwks === undefined) return "the client has no keys";
  try {
    const { claims } = await verifyJwt(assertion, registeredKeys(client.jwks), assertionRules(client, services));
    const isFirst = await isFirstUse(client.clientId, claims.jti, claims.exp * 1000, services);
    return isFirst ? undefined : "the assertion was used before (jti)";
  } catch (error) {
    if (error instanceof TokenRefused) return inWords(error, client, services);
    throw error;
  }
}

function assertionRules(client: ClientRecord, { config, clock }: AssertionServices) {
  const takesEndpoint = client.assertionAudience === "issuer or token endpoint";
  return clientAssertionRules({
    clientId: client.clientId,
    issuer: config.issuer,
    acceptTokenEndpoint: takesEndpoint ? tokenEndpoints(config) : undefined,
    clock,
    clockSkewMs: config.tokens.clock_skew * 1000,
    maxLifetimeMs: config.tokens.assertion_lifetime * 1000,
  });
}

function tokenEndpoints({ issuer }: Config): readonly string[] {
  return tokenPaths.map((path) => issuer.replace(/\/$/, "") + path);
}

type Mending = (client: ClientRecord, config: Config) => string;

/** What the assertion should have said, where the reason alone does not tell. */
const mendings: Partial<Record<RefusalReason, Mending>> = {
  wrong_audience: ({ assertionAudience = "issuer" }, { issuer }) =>
    assertionAudience === "issuer"
      ? `aud must be ${issuer} alone, or set assertion_audience of this client to take ${oauthPaths.token} too`
      : `aud must hold ${issuer} or its token endpoint`,
  wrong_issuer: ({ clientId }) => `iss must be ${clientId}`,
  wrong_subject: ({ clientId }) => `sub must be ${clientId}`,
  lifetime_too_long: (_client, { tokens }) => `exp may be ${tokens.assertion_lifetime} seconds after iat at most`,
  unknown_key: () => "jwks of the client holds no key of this kid and alg",
  expired: () => "or the clock of the client is behind",
  issued_in_future: () => "the clock of the client is ahead",
};

function inWords(
  { reason, member, message, found }: TokenRefused,
  client: ClientRecord,
  { config }: AssertionServices,
): string {
  const words = [`the assertion is refused as ${reason}${member === undefined ? "" : ` (${member})`}: ${message}`];
  const mending = mendings[reason]?.(client, config);
  if (found !== undefined) words.push(`it has ${found}`);
  if (mending !== undefined) words.push(mending);
  return words.join("; ");
}

/** Remembers the `jti` for as long as the assertion could pass: one winner of any number of replays. */
async function isFirstUse(
  clientId: string,
  jti: string,
  expiresAt: number,
  { store, config }: AssertionServices,
): Promise<boolean> {
  const forgetAt = expiresAt + config.tokens.clock_skew * 1000;
  const version = await store.swap(keys.assertion(clientId, jti), 0, { value: {}, expiresAt: forgetAt });
  return version !== undefined;
}
