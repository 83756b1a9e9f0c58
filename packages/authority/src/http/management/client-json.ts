import { defined } from "@countersign/protocol";
import type { JWK } from "jose";
import type { z } from "zod";
import type { ClientSettings } from "../../clients/client-settings.ts";
import type { ClientCertificateRule, ClientRecord, ClientTokenSettings } from "../../store/records.ts";
import type { clientShapes } from "./shapes.ts";

type Shapes = ReturnType<typeof clientShapes>;
type Input = z.output<Shapes["clientInput"]>;
type Change = z.output<Shapes["clientChange"]>;

/** A new client's settings from its JSON. Without a method, `credential` decides between a secret and a public client. */
export function settingsOf(input: Input): ClientSettings {
  return {
    ...changesOf(input),
    clientName: input.client_name,
    scopes: input.scopes,
    grants: input.grants,
    loopback: input.loopback,
    authMethod: input.token_endpoint_auth_method ?? (input.credential ? "client_secret_basic" : "none"),
    token: tokenSettings(input),
    disabled: input.disabled,
    ...defined({ clientId: input.client_id }),
  };
}

/** The settings that a change names. */
export function changesOf(change: Change): Partial<ClientSettings> {
  const rule = certificateRule(change);
  const token = tokenSettings(change);
  return {
    ...defined({
      clientName: change.client_name,
      scopes: change.scopes,
      grants: change.grants,
      loopback: change.loopback,
      authMethod: change.token_endpoint_auth_method,
    }),
    ...defined({ jwks: change.jwks as { readonly keys: readonly JWK[] } | undefined }),
    ...defined({ assertionAudience: change.assertion_audience }),
    ...(Object.keys(rule).length === 0 ? {} : { certificate: rule }),
    ...defined({ disabled: change.disabled }),
    ...(Object.keys(token).length === 0 ? {} : { token }),
  };
}

/** The token settings that a change names. */
function tokenSettings(input: Input | Change): ClientTokenSettings {
  return {
    ...defined({
      profile: input.access_token_profile,
      algorithm: input.access_token_signing_alg,
      audience: input.audience,
      accessTokenTtlMs: milliseconds(input.access_token_ttl),
      refreshIdleTtlMs: milliseconds(input.refresh_token_idle_ttl),
      refreshAbsoluteTtlMs: milliseconds(input.refresh_token_absolute_ttl),
    }),
  };
}

/** A client as JSON: the four members of the older service, then every setting that is not the default. */
export function clientJson(client: ClientRecord) {
  return {
    client_id: client.clientId,
    client_name: client.clientName,
    grants: [...client.grants],
    scopes: [...client.scopes],
    ...(client.authMethod === "none" ? {} : { token_endpoint_auth_method: client.authMethod }),
    ...(client.loopback && client.clientId !== "loopback" ? { loopback: true } : {}),
    ...(client.disabled ? { disabled: true } : {}),
    ...defined({
      jwks: client.jwks,
      assertion_audience: client.assertionAudience,
      tls_client_auth_san_dns: client.certificate?.sanDns,
      tls_client_auth_san_uri: client.certificate?.sanUri,
      tls_client_auth_san_ip: client.certificate?.sanIp,
      tls_client_auth_san_email: client.certificate?.sanEmail,
      access_token_profile: client.token.profile,
      access_token_signing_alg: client.token.algorithm,
      audience: client.token.audience,
      access_token_ttl: seconds(client.token.accessTokenTtlMs),
      refresh_token_idle_ttl: seconds(client.token.refreshIdleTtlMs),
      refresh_token_absolute_ttl: seconds(client.token.refreshAbsoluteTtlMs),
    }),
  };
}

function certificateRule(input: Input | Change): ClientCertificateRule {
  return {
    ...defined({
      sanDns: input.tls_client_auth_san_dns,
      sanUri: input.tls_client_auth_san_uri,
      sanIp: input.tls_client_auth_san_ip,
      sanEmail: input.tls_client_auth_san_email,
    }),
  };
}

function milliseconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000;
}

function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 1000;
}
