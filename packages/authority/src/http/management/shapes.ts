import { z } from "zod";
import { MAX_KEYS } from "../../clients/client-settings.ts";
import {
  assertionAudiences,
  clientAuthMethods,
  ringAlgorithms,
  signingAlgorithms,
  tokenProfiles,
} from "../../store/records.ts";
import { audienceSchema, MAX_AUDIENCES } from "../../values/audience.ts";
import { displayNameSchema } from "../../values/display-name.ts";
import { idSchema } from "../../values/id.ts";
import { lifetimeSchema } from "../../values/lifetime.ts";
import { scopesSchema } from "../../values/scope.ts";

/** Shapes that several management operations share. Sizes are bounded here, before anything is stored. */
const authMethod = z.enum(clientAuthMethods);

const signingAlgorithm = z.enum(signingAlgorithms);

export const ringAlgorithm = z.enum(ringAlgorithms);

const jwk = z.looseObject({ kty: z.string() });

/** The shapes of clients, where these are the grants that they can be allowed to use. */
export function clientShapes(grantTypes: readonly string[]) {
  /** The members a client can be created with: those of the older service, then those of RFC 7591 and RFC 8705. */
  const clientInput = z.strictObject({
    client_name: displayNameSchema,
    scopes: scopesSchema,
    grants: z.array(z.enum(grantTypes)).max(10),
    loopback: z.boolean().default(false).describe("May be used only over the loopback interface"),
    credential: z.boolean().default(false).describe("Makes a secret, returned once as client_credential"),
    client_id: idSchema.optional().describe("A name of your own; a UUID when absent"),
    token_endpoint_auth_method: authMethod.optional(),
    // RFC 7517 section 5: members of a set that are not understood are ignored.
    jwks: z.object({ keys: z.array(jwk).min(1).max(MAX_KEYS) }).optional(),
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
    audience: z.array(audienceSchema).min(1).max(MAX_AUDIENCES).optional(),
    access_token_ttl: lifetimeSchema("accessToken").optional(),
    refresh_token_idle_ttl: lifetimeSchema("refreshIdle").optional(),
    refresh_token_absolute_ttl: lifetimeSchema("refreshAbsolute").optional(),
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
    scopes: scopesSchema,
    grants: z.array(z.enum(grantTypes)),
  });

  return { clientInput, clientChange, clientView };
}

export const userView = z.object({
  user_id: z.string(),
  username: z.string(),
  full_name: z.string(),
  scopes: scopesSchema,
  disabled: z.boolean(),
  created_at: z.number().int().describe("Seconds since the epoch"),
});

export const deviceView = z.object({
  family_id: z.string(),
  client_id: z.string(),
  device_name: z.string(),
  scopes: scopesSchema,
  created_at: z.number().int(),
  last_used_at: z.number().int(),
  expires_at: z.number().int(),
});
