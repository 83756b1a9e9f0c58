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
    ...present("clientId", input.client_id),
  };
}

/** The settings that a change names. */
export function changesOf(change: Change): Partial<ClientSettings> {
  const rule = certificateRule(change);
  const token = tokenSettings(change);
  return {
    ...present("clientName", change.client_name),
    ...present("scopes", change.scopes),
    ...present("grants", change.grants),
    ...present("loopback", change.loopback),
    ...present("authMethod", change.token_endpoint_auth_method),
    ...present("jwks", change.jwks as { readonly keys: readonly JWK[] } | undefined),
    ...present("assertionAudience", change.assertion_audience),
    ...(Object.keys(rule).length === 0 ? {} : { certificate: rule }),
    ...present("disabled", change.disabled),
    ...(Object.keys(token).length === 0 ? {} : { token }),
  };
}

/** The token settings that a change names. */
function tokenSettings(input: Input | Change): ClientTokenSettings {
  return {
    ...present("profile", input.access_token_profile),
    ...present("algorithm", input.access_token_signing_alg),
    ...present("audience", input.audience),
    ...present("accessTokenTtlMs", milliseconds(input.access_token_ttl)),
    ...present("refreshIdleTtlMs", milliseconds(input.refresh_token_idle_ttl)),
    ...present("refreshAbsoluteTtlMs", milliseconds(input.refresh_token_absolute_ttl)),
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
    ...present("jwks", client.jwks),
    ...present("assertion_audience", client.assertionAudience),
    ...present("tls_client_auth_san_dns", client.certificate?.sanDns),
    ...present("tls_client_auth_san_uri", client.certificate?.sanUri),
    ...present("tls_client_auth_san_ip", client.certificate?.sanIp),
    ...present("tls_client_auth_san_email", client.certificate?.sanEmail),
    ...present("access_token_profile", client.token.profile),
    ...present("access_token_signing_alg", client.token.algorithm),
    ...present("audience", client.token.audience),
    ...present("access_token_ttl", seconds(client.token.accessTokenTtlMs)),
    ...present("refresh_token_idle_ttl", seconds(client.token.refreshIdleTtlMs)),
    ...present("refresh_token_absolute_ttl", seconds(client.token.refreshAbsoluteTtlMs)),
  };
}

function certificateRule(input: Input | Change): ClientCertificateRule {
  return {
    ...present("sanDns", input.tls_client_auth_san_dns),
    ...present("sanUri", input.tls_client_auth_san_uri),
    ...present("sanIp", input.tls_client_auth_san_ip),
    ...present("sanEmail", input.tls_client_auth_san_email),
  };
}

function present<Name extends string, Value>(name: Name, value: Value | undefined) {
  return (value === undefined ? {} : { [name]: value }) as { readonly [Key in Name]?: Value };
}

function milliseconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * 1000;
}

function seconds(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 1000;
}
