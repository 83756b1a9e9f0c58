import { z } from "zod";
import { lifetimes, mostKeys } from "../../clients/client-settings.ts";
import { assertionAudiences, clientAuthMethods, signingAlgorithms, tokenProfiles } from "../../store/records.ts";
import { longestAudience, mostAudiences } from "../../values/audience.ts";

/** Shapes that several management operations share. Sizes are bounded here, before anything is stored. */
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, "must be a scope-token (RFC 6749 section 3.3)");

export const scopes = z.array(scope).max(100);

export const name = z.string().min(1).max(200);

export const username = z.string().min(1).max(256);

export const password = z.string().min(1).max(1024);

const ttlSeconds = ([shortestMs, longestMs]: readonly [number, number]) =>
  z
    .number()
    .int()
    .min(shortestMs / 1000)
    .max(longestMs / 1000)
    .optional();

const authMethod = z.enum(clientAuthMethods);

export const signingAlgorithm = z.enum(signingAlgorithms);

const jwk = z.looseObject({ kty: z.string() });

/** The shapes of clients, where these are the grants that they can be allowed to use. */
export function clientShapes(grantTypes: readonly string[]) {
  /** The members a client can be created with: those of the older service, then those of RFC 7591 and RFC 8705. */
  const clientInput = z.strictObject({
    client_name: name,
    scopes,
    grants: z.array(z.enum(grantTypes)).max(10),
    loopback: z.boolean().default(false).describe("May be used only over the loopback interface"),
    credential: z.boolean().default(false).describe("Makes a secret, returned once as client_credential"),
    client_id: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/)
      .optional()
      .describe("A name of your own; a UUID when absent"),
    token_endpoint_auth_method: authMethod.optional(),
    // RFC 7517 section 5: members of a set that are not understood are ignored.
    jwks: z.object({ keys: z.array(jwk).min(1).max(mostKeys) }).optional(),
    assertion_audience: z
      .enum(assertionAudiences)
      .optional()
      .describe("What a client's assertion may name as its audience; the issuer alone when absent"),
    tls_client_auth_san_dns: z.string().max(256).optional(),
    tls_client_auth_san_uri: z.string().max(1024).optional(),
    tls_client_auth_san_ip: z.string().max(64).optional(),
    tls_client_auth_san_email: z.string().max(256).optional(),
    access_token_profile: z.enum(tokenProfiles).optional(),
    access_token_signing_alg: signingAlgorithm.optional(),
    audience: z.array(z.string().min(1).max(longestAudience)).min(1).max(mostAudiences).optional(),
    access_token_ttl: ttlSeconds(lifetimes.accessTokenTtlMs),
    refresh_token_idle_ttl: ttlSeconds(lifetimes.refreshIdleTtlMs),
    refresh_token_absolute_ttl: ttlSeconds(lifetimes.refreshAbsoluteTtlMs),
    disabled: z.boolean().default(false),
  });

  /** A change of a client: the members given are replaced, the others stay. */
  const clientChange = z.strictObject({
    ...clientInput.omit({ client_id: true, credential: true }).partial().shape,
    loopback: z.boolean().optional(),
    disabled: z.boolean().optional(),
    credential: z.boolean().optional().describe("Accepted for older clients and ignored: rotate the secret instead"),
  });

  /** A client as it is shown: never its secrets. */
  const clientView = z.looseObject({
    client_id: z.string(),
    client_name: z.string(),
    scopes,
    grants: z.array(z.enum(grantTypes)),
  });

  return { clientInput, clientChange, clientView };
}

export const userView = z.object({
  user_id: z.string(),
  username: z.string(),
  full_name: z.string(),
  scopes,
  disabled: z.boolean(),
  created_at: z.number().int().describe("Seconds since the epoch"),
});

export const deviceView = z.object({
  family_id: z.string(),
  client_id: z.string(),
  device_name: z.string(),
  scopes,
  created_at: z.number().int(),
  last_used_at: z.number().int(),
  expires_at: z.number().int(),
});
