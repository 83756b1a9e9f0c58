import { z } from "zod";
import type { GrantTable } from "../../grants/grant-table.ts";

/**
 * What the OAuth endpoints take and give, for the OpenAPI document. The forms are read by hand in `form.ts`, because
 * the RFCs name the error for each thing that can be wrong with them.
 */
const clientProof = {
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  client_assertion_type: z.literal("urn:ietf:params:oauth:client-assertion-type:jwt-bearer").optional(),
  client_assertion: z.string().optional(),
};

/** The form of the token endpoint, with the parameters of every grant. */
export function tokenForm(grants: GrantTable) {
  const own = [...grants.values()].flatMap(({ parameters }) => Object.entries(parameters));
  return z.looseObject({
    grant_type: z.enum([...grants.keys()]),
    scope: z.string().optional().describe("Scopes joined by spaces"),
    resource: z.array(z.string()).optional().describe("Where the token is to be used (RFC 8707)"),
    audience: z.array(z.string()).optional().describe("The same by another name (RFC 8693)"),
    ...Object.fromEntries(own.map(([name, what]) => [name, z.string().optional().describe(what)])),
    ...clientProof,
  });
}

export const tokenResponse = z.object({
  access_token: z.string(),
  token_type: z.enum(["Bearer", "N_A"]),
  expires_in: z.number().int(),
  scope: z.string().optional().describe("What was granted; absent when nothing was"),
  refresh_token: z.string().optional(),
  issued_token_type: z.string().optional().describe("Of a token exchange: what was given (RFC 8693 section 2.2.1)"),
});

export const aboutToken = z.looseObject({ token: z.string(), token_type_hint: z.string().optional(), ...clientProof });

export const introspectionResponse = z.looseObject({ active: z.boolean() });

export const jwksResponse = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })) });
