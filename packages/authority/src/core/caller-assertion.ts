import { clientAssertionRules, importKeys, jwtBearerAssertion, TokenRefused, verifyJwt } from "@countersign/protocol";
import type { Services } from "../services.ts";
import { keys } from "../store/keys.ts";
import type { ClientRecord } from "../store/records.ts";
import type { ClientCredentials } from "./caller.ts";

const longestAssertionMs = 600_000;

/**
 * `private_key_jwt`: a JWT that the client signed about itself, good once (RFC 7523 section 3). Its one audience is the
 * issuer identifier: a client that named the token endpoint could be led to sign for another server (CVE-2025-27370).
 */
export async function verifyAssertion(
  { assertion, assertionType }: ClientCredentials,
  client: ClientRecord,
  services: Services,
): Promise<boolean> {
  if (assertion === undefined || assertionType !== jwtBearerAssertion || client.jwks === undefined) return false;
  try {
    const { claims } = await verifyJwt(assertion, importKeys(client.jwks), assertionRules(client, services));
    return await isFirstUse(client.clientId, claims.jti, claims.exp * 1000, services);
  } catch (error) {
    if (error instanceof TokenRefused) return false;
    throw error;
  }
}

function assertionRules({ clientId }: ClientRecord, { config, clock }: Services) {
  return clientAssertionRules({
    clientId,
    issuer: config.issuer,
    clock,
    clockSkewMs: config.tokens.clock_skew * 1000,
    maxLifetimeMs: longestAssertionMs,
  });
}

/** Remembers the `jti` for as long as the assertion could pass: one winner of any number of replays. */
async function isFirstUse(
  clientId: string,
  jti: string,
  expiresAt: number,
  { store, config }: Services,
): Promise<boolean> {
  const forgetAt = expiresAt + config.tokens.clock_skew * 1000;
  const version = await store.swap(keys.assertion(clientId, jti), 0, { value: {}, expiresAt: forgetAt });
  return version !== undefined;
}
