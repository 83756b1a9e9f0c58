import { type Secret, toSecret } from "../secret.ts";
import type { SourceContext, TokenSource } from "../source.ts";
import { createToken, type Token } from "../token.ts";
import { parseTokenResponse } from "../token-response.ts";
import { askPlatform, type WorkloadOptions } from "./metadata-request.ts";

/** Options of {@link azureManagedIdentitySource}. */
export interface AzureManagedIdentityOptions extends WorkloadOptions {
  /** For whom the token is: the App ID URI of an application, or one of Azure's own services. */
  readonly resource: string;
  /** The client id of a user-assigned identity. @default the system-assigned one */
  readonly clientId?: string;
  /** App Service, Functions and Container Apps: `IDENTITY_ENDPOINT` and `IDENTITY_HEADER`. @default a virtual machine's */
  readonly appService?: { readonly endpoint: string; readonly header: string | Secret };
  /** Where a virtual machine's metadata server is. @default "http://169.254.169.254" */
  readonly origin?: string;
}

/**
 * The managed identity of a workload on Azure: an access token of Microsoft Entra for `resource`, which is a JWT that another
 * server can take as the workload's identity.
 *
 * @example
 * ```ts run
 * import { azureManagedIdentitySource } from "@countersign/token-keeper/workload";
 * const source = azureManagedIdentitySource({ resource: "api://countersign" });
 * console.log(source.identity.grant); // azure_managed_identity
 * ```
 */
export function azureManagedIdentitySource(options: AzureManagedIdentityOptions): TokenSource {
  const { resource, clientId } = options;
  const { url, headers } = placeOf(options);
  url.searchParams.set("resource", resource);
  if (clientId !== undefined) url.searchParams.set("client_id", clientId);
  return {
    identity: {
      issuer: url.origin + url.pathname,
      clientId: clientId ?? "system",
      grant: "azure_managed_identity",
      audience: resource,
    },
    async request(context: SourceContext): Promise<Token> {
      const { status, text, sentAt } = await askPlatform({ url: url.href, headers: headers() }, context, options);
      const raw = { status, text, contentType: "application/json", serverNow: context.clock.now() };
      const response = parseTokenResponse(raw);
      return createToken(response, { issuedAt: sentAt, lifetimeMs: response.lifetimeMs }, options.lifetime);
    },
  };
}

function placeOf({ appService, origin = "http://169.254.169.254" }: AzureManagedIdentityOptions) {
  if (appService === undefined) {
    const url = new URL("/metadata/identity/oauth2/token?api-version=2018-02-01", origin);
    return { url, headers: () => ({ metadata: "true" }) };
  }
  const url = new URL(appService.endpoint);
  url.searchParams.set("api-version", "2019-08-01");
  const header = toSecret(appService.header, "identity header");
  return { url, headers: () => ({ "x-identity-header": header.reveal() }) };
}
